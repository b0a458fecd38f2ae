#include "backend/redis/redis_backend.h"
#include "tests/conformance/backends.h"
#include "tests/conformance/redis_servers.h"

namespace sluice {
namespace {

int64_t KeysOf(RedisServer& server) { return std::stoll(server.Cli({"DBSIZE"})); }

// One server serves all tests, so each begins with an empty one.
BackendFactory OverOne(std::string name, void (*change)(RedisOptions&)) {
  return {std::move(name),
          [change] {
            SharedRedis().Cli({"FLUSHALL"});
            RedisOptions options = OptionsFor(SharedRedis());
            change(options);
            return NewRedisBackend(options, SharedLoops());
          },
          [](const Backend&) { return KeysOf(SharedRedis()); }};
}

BackendFactory OverACluster() {
  return {"RedisCluster",
          [] {
            for (int i = 0; i < RedisCluster::kPrimaries; ++i) {
              SharedCluster().node(i).Cli({"FLUSHALL"});
            }
            return NewRedisBackend(OptionsFor(SharedCluster()), SharedLoops());
          },
          [](const Backend&) {
            int64_t keys = 0;
            for (int i = 0; i < RedisCluster::kPrimaries; ++i) {
              keys += KeysOf(SharedCluster().node(i));
            }
            return keys;
          }};
}

}  // namespace

std::vector<BackendFactory> Backends() {
  return {
      OverOne("Redis", [](RedisOptions&) {}),
      OverOne("RedisByTwoConnections", [](RedisOptions& options) { options.connections = 2; }),
      OverOne("RedisOneByOne", [](RedisOptions& options) { options.coalesce = false; }),
      OverACluster(),
  };
}

}  // namespace sluice
