// The C library's answers, where a test has its own.
#ifndef SLUICE_TESTS_UNIT_IO_SYSTEM_CALLS_H_
#define SLUICE_TESTS_UNIT_IO_SYSTEM_CALLS_H_

#include <string>
#include <vector>

#include "tests/fakes/on_loop.h"

namespace sluice {

// From now on getaddrinfo answers with these addresses for `name`, of which the test's process
// alone knows. It waits for `answered` first, when there is one, and sets `asked` before.
void SetAddresses(const std::string& name, const std::vector<std::string>& addresses,
                  Flag* asked = nullptr, Flag* answered = nullptr);

// How often any loop was woken by another thread.
int Wakeups();

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_IO_SYSTEM_CALLS_H_
