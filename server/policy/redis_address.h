// Addresses of Redis servers, as texts and put together.
#ifndef SLUICE_POLICY_REDIS_ADDRESS_H_
#define SLUICE_POLICY_REDIS_ADDRESS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "policy/redis_spec.h"

namespace sluice {

// What one text says.
struct RedisUrl {
  enum class Tls { kUnsaid, kOff, kOn };

  RedisAddress address;    // its port is 0 when a URL leaves it out
  Tls tls = Tls::kUnsaid;  // `host:port` does not say
  RedisLoginSpec login;    // without a password: none
  absl::optional<int> database;
};

// `host:port`, `[::1]:port`, `unix:/path`, `redis://[user:password@]host[:port][/database]`, where
// the user may be empty and `%xx` stands for a byte, or the same with `rediss://`. The error is one
// line that does not quote the text, because that may hold a password.
absl::StatusOr<RedisUrl> ParseRedisUrl(absl::string_view text);

// What is wrong with an address, or with all of them together.
struct RedisAddressProblem {
  size_t index = 0;  // which one
  std::string what;
  std::string hint;
};

// Fills addresses, login (that of the Sentinels with Mode::kSentinel), database and tls. What
// `connection` already says of them, and its mode, must agree with the addresses, of which there is
// one at least; the problems tell where it does not.
std::vector<RedisAddressProblem> TakeAddresses(absl::Span<const RedisUrl> urls,
                                               RedisConnectionSpec& connection);

}  // namespace sluice

#endif  // SLUICE_POLICY_REDIS_ADDRESS_H_
