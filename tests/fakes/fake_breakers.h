// Breakers that only tell what they were set to.
#ifndef SLUICE_TESTS_FAKES_FAKE_BREAKERS_H_
#define SLUICE_TESTS_FAKES_FAKE_BREAKERS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backend/resilient/breakers.h"

namespace sluice {

// On one thread.
class FakeBreakers final : public Breakers {
 public:
  absl::Status Set(absl::string_view backend, BreakerMode mode) override {
    set.emplace_back(std::string(backend), mode);
    return answer;
  }

  absl::Status answer;
  std::vector<std::pair<std::string, BreakerMode>> set;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_FAKE_BREAKERS_H_
