// The backends that the conformance suite runs over: a new one adds its line to Backends().
#ifndef SLUICE_TESTS_CONFORMANCE_BACKENDS_H_
#define SLUICE_TESTS_CONFORMANCE_BACKENDS_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/memory/memory_backend.h"
#include "tests/fakes/late_backend.h"

namespace sluice {

struct BackendFactory {
  std::string name;
  std::function<std::unique_ptr<Backend>()> make;

  friend std::ostream& operator<<(std::ostream& out, const BackendFactory& factory) {
    return out << factory.name;
  }
};

inline std::vector<BackendFactory> Backends() {
  return {
      {"Memory", [] { return NewMemoryBackend({}); }},
      {"MemoryInOneShard", [] { return NewMemoryBackend({.max_keys = 100'000, .shards = 1}); }},
      {"Late", [] { return std::make_unique<LateBackend>(NewMemoryBackend({})); }},
      {"LateAndShuffled", [] { return std::make_unique<LateBackend>(NewMemoryBackend({}), 7); }},
  };
}

}  // namespace sluice

#endif  // SLUICE_TESTS_CONFORMANCE_BACKENDS_H_
