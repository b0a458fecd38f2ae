// Limits and keys for tests of backends.
#ifndef SLUICE_TESTS_CONFORMANCE_COUNTERS_H_
#define SLUICE_TESTS_CONFORMANCE_COUNTERS_H_

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
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

inline const HashSecret& SecretOfKeys() {
  static const auto& secret = *new HashSecret(HashSecret::FromSeed(1));
  return secret;
}

inline CounterKey KeyOf(absl::string_view name, const Limit& limit,
                        absl::string_view throttle = "throttle", absl::string_view tenant = "") {
  return CounterKey(KeyParts{"test", tenant, name, throttle, {}, limit.shape()}, SecretOfKeys());
}

inline KeyScope ScopeOf(absl::optional<std::string> throttle,
                        absl::optional<std::string> tenant = absl::nullopt) {
  return KeyScope(std::move(throttle), std::move(tenant), SecretOfKeys());
}

}  // namespace sluice

#endif  // SLUICE_TESTS_CONFORMANCE_COUNTERS_H_
