// Limits and keys for tests of backends.
#ifndef SLUICE_TESTS_CONFORMANCE_COUNTERS_H_
#define SLUICE_TESTS_CONFORMANCE_COUNTERS_H_

#include "absl/strings/string_view.h"
#include "core/key.h"
#include "core/rate.h"
#include "strategy/limit.h"

namespace sluice {

// 2023-11-14T22:13:20Z: whole seconds, and within a minute, an hour and a day.
inline constexpr int64_t kStartUs = 1'700'000'000'000'000;

inline Limit LimitOf(absl::string_view strategy, absl::string_view rate,
                     const Params& params = {}) {
  return *Limit::Create(strategy, *Rate::Parse(rate), params);
}

inline CounterKey KeyOf(absl::string_view name, const Limit& limit) {
  static const auto& secret = *new HashSecret(HashSecret::FromSeed(1));
  return CounterKey(KeyParts{"test", "", name, "throttle", {}, limit.shape()}, secret);
}

}  // namespace sluice

#endif  // SLUICE_TESTS_CONFORMANCE_COUNTERS_H_
