// How to reach a Redis.
#ifndef SLUICE_BACKEND_REDIS_OPTIONS_H_
#define SLUICE_BACKEND_REDIS_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/key.h"
#include "io/endpoint.h"
#include "io/tls.h"

namespace sluice {

// Who we say we are. Nothing is said without a password.
struct RedisLogin {
  std::string username;  // empty: the default user
  std::string password;
  // Read anew on each connect, without the line break at its end, instead of `password`.
  std::string password_file;
};

// Some 30,000 years.
inline constexpr int64_t kVirtualAgeMs = 1'000'000'000'000'000;

struct RedisOptions {
  enum class Mode { kSingle, kSentinel, kCluster };

  Mode mode = Mode::kSingle;
  // kSingle: one. kSentinel: the Sentinels. kCluster: some of the nodes, from which the others are
  // learnt.
  std::vector<Endpoint> addresses;
  std::string sentinel_master;  // kSentinel: its name there
  RedisLogin login;
  RedisLogin sentinel_login;
  int database = 0;  // 0 in a Cluster
  // Null: no TLS.
  std::shared_ptr<const TlsClient> tls;
  // For a connection to be ready, login included.
  int64_t connect_timeout_us = 1'000'000;
  // For the reply to a command. Later it costs the connection.
  int64_t reply_timeout_us = 15'000;
  // Connections to each node, each with its share of the keys.
  int connections = 1;
  // Decisions that wait for their answer; what is more is refused at once.
  size_t max_inflight = 10'000;
  HashTag hash_tag = HashTag::kIdentifier;

  // Called on a loop, as long as the backend lives, when Redis is reached and was not before. It
  // has taken the login and the scripts by then. Must not block; may be null.
  std::function<void()> on_up;
  // Called on a loop, as long as the backend lives, whenever a connection is cut or cannot be made,
  // the Redis cannot be found, or an error that it answers fails a command: many times a second
  // while that lasts. The reason has no secret and no key. Must not block; may be null.
  std::function<void(const absl::Status& why)> on_trouble;

  // For tests, benchmarks and replays.
  //
  // Decision::now_us, and not Redis's TIME, is the time. No counter expires: it does so in the far
  // future, at its virtual time and kVirtualAgeMs more, by which it is known whether it is in use.
  bool virtual_time = false;
  bool pipeline = true;  // false: one command at a time on a connection
  bool coalesce = true;  // false: each decision has a command of its own
};

}  // namespace sluice

#endif  // SLUICE_BACKEND_REDIS_OPTIONS_H_
