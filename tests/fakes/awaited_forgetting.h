// Something to be forgotten, with an answer that a test can wait for.
#ifndef SLUICE_TESTS_FAKES_AWAITED_FORGETTING_H_
#define SLUICE_TESTS_FAKES_AWAITED_FORGETTING_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "core/key.h"
#include "tests/fakes/awaited.h"

namespace sluice {

// Owns its keys.
class AwaitedForgetting final : public Awaited<Forgetting> {
 public:
  AwaitedForgetting(std::vector<CounterKey> wanted, int64_t at_us) : keys_(std::move(wanted)) {
    keys = keys_;
    now_us = at_us;
  }
  AwaitedForgetting(KeyScope wanted, int64_t at_us) {
    scope = std::move(wanted);
    now_us = at_us;
  }

 private:
  std::vector<CounterKey> keys_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_AWAITED_FORGETTING_H_
