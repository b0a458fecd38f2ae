#include "tests/unit/io/system_calls.h"

#include <dlfcn.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <map>

#include "core/mutex.h"

namespace sluice {
namespace {

struct Name {
  std::vector<std::string> addresses;
  Flag* asked = nullptr;
  Flag* answered = nullptr;
};

// Outlive the resolver's thread.
Mutex& names_mutex = *new Mutex;
std::map<std::string, Name>& names = *new std::map<std::string, Name>;
std::atomic<int> wakeups{0};

int RealGetaddrinfo(const char* host, const char* port, const addrinfo* hints, addrinfo** found) {
  static const auto real =
      reinterpret_cast<decltype(&RealGetaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(host, port, hints, found);
}

bool Find(const std::string& host, Name& name) {
  MutexLock lock(names_mutex);
  const auto found = names.find(host);
  if (found == names.end()) return false;
  name = found->second;
  return true;
}

}  // namespace

void SetAddresses(const std::string& name, const std::vector<std::string>& addresses, Flag* asked,
                  Flag* answered) {
  MutexLock lock(names_mutex);
  names[name] = {addresses, asked, answered};
}

int Wakeups() { return wakeups; }

}  // namespace sluice

extern "C" {

int getaddrinfo(const char* host, const char* port, const addrinfo* hints, addrinfo** found) {
  sluice::Name name;
  if ((hints->ai_flags & AI_NUMERICHOST) != 0 || !sluice::Find(host, name)) {
    return sluice::RealGetaddrinfo(host, port, hints, found);
  }
  if (name.asked != nullptr) name.asked->Set();
  if (name.answered != nullptr) name.answered->Wait();
  *found = nullptr;
  for (addrinfo** next = found; const std::string& address : name.addresses) {
    const int error = sluice::RealGetaddrinfo(address.c_str(), port, hints, next);
    if (error != 0) return error;
    next = &(*next)->ai_next;
  }
  return *found == nullptr ? EAI_NONAME : 0;
}

int eventfd_write(int fd, eventfd_t value) {
  ++sluice::wakeups;
  return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}

}  // extern "C"
