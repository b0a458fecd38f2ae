// A Redis that Sentinels watch, of a test's own.
#ifndef SLUICE_TESTS_FAKES_REDIS_REDIS_SENTINEL_H_
#define SLUICE_TESTS_FAKES_REDIS_REDIS_SENTINEL_H_

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/fakes/redis/redis_server.h"

namespace sluice {

struct SentinelOptions {
  std::vector<std::string> config;           // lines of redis.conf for both servers
  std::vector<std::string> sentinel_config;  // and of sentinel.conf, for every Sentinel
};

// Server 0 starts as the primary, server 1 as its replica; three Sentinels, two of which must agree
// that a server is lost for 500 ms. For one thread at a time.
class RedisSentinel {
 public:
  static constexpr int kServers = 2;
  static constexpr int kSentinels = 3;
  static constexpr char kMaster[] = "sluice";  // what the Sentinels call the primary

  // Returns when the Sentinels know the replica and each other.
  explicit RedisSentinel(const SentinelOptions& options = {});

  RedisServer& server(int i) { return *servers_[i]; }
  RedisServer& sentinel(int i) { return *sentinels_[i]; }
  std::vector<std::string> sentinel_endpoints() const;

  // The server that the most Sentinels that answer call the primary; -1: none.
  int Primary();
  // Makes the replica the primary; returns when Primary() says so and it takes writes.
  void Failover();

 private:
  std::array<std::unique_ptr<RedisServer>, kServers> servers_;
  std::array<std::unique_ptr<RedisServer>, kSentinels> sentinels_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_REDIS_REDIS_SENTINEL_H_
