#include "core/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sluice {
namespace {

constexpr int64_t kDeadlineUs = 30'000'000;

class Counter {
 public:
  void Add() {
    MutexLock lock(mutex_);
    ++value_;
    changed_.NotifyAll();
  }
  // False when the deadline passed first.
  bool AwaitAtLeast(int value) {
    MutexLock lock(mutex_);
    while (value_ < value) {
      if (!changed_.WaitFor(mutex_, kDeadlineUs)) return value_ >= value;
    }
    return true;
  }
  int value() {
    MutexLock lock(mutex_);
    return value_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int value_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST(MutexTest, ExcludesOtherThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 5'000;
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) counter.Add();
    });
  }
  EXPECT_TRUE(counter.AwaitAtLeast(kThreads * kRounds));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), kThreads * kRounds);
}

// Two threads that pass a turn to and fro: each wakes only the other.
class PingPong {
 public:
  void Play(int me, int rounds) {
    for (int i = 0; i < rounds; ++i) {
      MutexLock lock(mutex_);
      while (turn_ != me) turned_.Wait(mutex_);
      turn_ = 1 - me;
      ++passes_;
      turned_.NotifyOne();
    }
  }
  int passes() {
    MutexLock lock(mutex_);
    return passes_;
  }

 private:
  Mutex mutex_;
  CondVar turned_;
  int turn_ ABSL_GUARDED_BY(mutex_) = 0;
  int passes_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST(CondVarTest, WaitReleasesTheMutexAndTakesItAgain) {
  constexpr int kRounds = 500;
  PingPong game;
  std::thread other([&] { game.Play(1, kRounds); });
  game.Play(0, kRounds);
  other.join();
  EXPECT_EQ(game.passes(), 2 * kRounds);
}

TEST(CondVarTest, WaitForTellsATimeout) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  bool woken = true;
  // Spurious wakeups are allowed, an endless row of them is not.
  for (int i = 0; i < 1'000 && woken; ++i) woken = never.WaitFor(mutex, 1);
  EXPECT_FALSE(woken);
}

}  // namespace
}  // namespace sluice
