// A Redis as the configuration describes it.
#ifndef SLUICE_POLICY_REDIS_SPEC_H_
#define SLUICE_POLICY_REDIS_SPEC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "core/key.h"

namespace sluice {

// Where a server listens: a host and a port, or a Unix socket.
struct RedisAddress {
  std::string host;       // a name, an IPv4 or an IPv6 address, the latter without brackets
  int port = 0;           // 1 to 65535
  std::string unix_path;  // not empty: the socket's path, and the others mean nothing

  friend bool operator==(const RedisAddress&, const RedisAddress&) = default;
};

// Who Sluice says it is. Without a password and a password_file, nobody.
struct RedisLoginSpec {
  std::string username;  // empty: the default user
  std::string password;
  std::string password_file;  // as sluiced opens it, on each connect; it need not be there yet

  friend bool operator==(const RedisLoginSpec&, const RedisLoginSpec&) = default;
};

// Paths are as sluiced opens them.
struct RedisTlsSpec {
  std::string ca_file;      // empty: the system's authorities
  std::string cert_file;    // empty: Sluice shows no certificate
  std::string key_file;     // stands where cert_file does
  std::string server_name;  // what the server's certificate must name; empty: the address's host

  friend bool operator==(const RedisTlsSpec&, const RedisTlsSpec&) = default;
};

// What connections are made of: a change of it takes new ones.
struct RedisConnectionSpec {
  enum class Mode { kSingle, kSentinel, kCluster };

  Mode mode = Mode::kSingle;
  // kSingle: one. kSentinel: the Sentinels. kCluster: some of the nodes. At most 64.
  std::vector<RedisAddress> addresses;
  std::string sentinel_master;  // kSentinel: its name there
  RedisLoginSpec login;
  RedisLoginSpec sentinel_login;
  int database = 0;  // 0 with kCluster
  absl::optional<RedisTlsSpec> tls;
  int64_t connect_timeout_us = 1'000'000;
  int connections = 1;  // to each node
  int64_t max_inflight = 10'000;
  HashTag hash_tag = HashTag::kIdentifier;

  friend bool operator==(const RedisConnectionSpec&, const RedisConnectionSpec&) = default;
};

struct RedisSpec {
  RedisConnectionSpec connection;
  // Microseconds, all of them.
  int64_t deadline_us = 15'000;
  int failure_threshold = 5;
  int64_t recovery_timeout_us = 500'000;
  int success_threshold = 2;
  int max_retries = 2;
  int64_t retry_delay_us = 1'000;
  double retry_multiplier = 2;
};

}  // namespace sluice

#endif  // SLUICE_POLICY_REDIS_SPEC_H_
