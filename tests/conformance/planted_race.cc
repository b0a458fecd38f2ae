// A race on purpose: ctest expects TSAN to report it, which shows that TSAN is awake.
#include <cstdio>
#include <thread>

int main() {
  int unguarded = 0;
  std::thread other([&] { ++unguarded; });
  ++unguarded;
  other.join();
  std::printf("counted to %d\n", unguarded);
  return 0;
}
