// The backends that the conformance suite runs over: a new one adds its row to a Backends().
#ifndef SLUICE_TESTS_CONFORMANCE_BACKENDS_H_
#define SLUICE_TESTS_CONFORMANCE_BACKENDS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace sluice {

struct BackendFactory {
  std::string name;
  // Empty. One at a time lives.
  std::function<std::unique_ptr<Backend>()> make;
  // How many counters it holds.
  std::function<int64_t(const Backend&)> keys = [](const Backend& backend) {
    return backend.Stats().keys;
  };

  friend std::ostream& operator<<(std::ostream& out, const BackendFactory& factory) {
    return out << factory.name;
  }
};

// One definition a binary: memory_backends.cc, redis_backends.cc.
std::vector<BackendFactory> Backends();

}  // namespace sluice

#endif  // SLUICE_TESTS_CONFORMANCE_BACKENDS_H_
