#include "tests/conformance/redis_servers.h"

#include "core/clock.h"

namespace sluice {
namespace {

RedisOptions Patient() {
  RedisOptions options;
  options.virtual_time = true;
  options.reply_timeout_us = 10'000'000;
  options.connect_timeout_us = 10'000'000;
  options.max_inflight = 1'000'000;
  return options;
}

}  // namespace

RedisServer& SharedRedis() {
  static RedisServer server;
  return server;
}

RedisCluster& SharedCluster() {
  static RedisCluster cluster;
  return cluster;
}

const std::vector<EventLoop*>& SharedLoops() {
  static const auto& loops = *[] {
    // Never ended: their threads go with the process, and read the clock until then.
    static const Clock& clock = *NewSystemClock().release();
    return new std::vector<EventLoop*>{NewEventLoop(clock).release(),
                                       NewEventLoop(clock).release()};
  }();
  return loops;
}

RedisOptions OptionsFor(RedisServer& server) {
  RedisOptions options = Patient();
  options.addresses = {*Endpoint::Parse(server.endpoint())};
  return options;
}

RedisOptions OptionsFor(RedisCluster& cluster) {
  RedisOptions options = Patient();
  options.mode = RedisOptions::Mode::kCluster;
  options.hash_tag = HashTag::kTenant;
  for (const std::string& endpoint : cluster.endpoints()) {
    options.addresses.push_back(*Endpoint::Parse(endpoint));
  }
  return options;
}

}  // namespace sluice
