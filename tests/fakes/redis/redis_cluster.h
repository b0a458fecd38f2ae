// A Redis Cluster of a test's own.
#ifndef SLUICE_TESTS_FAKES_REDIS_REDIS_CLUSTER_H_
#define SLUICE_TESTS_FAKES_REDIS_REDIS_CLUSTER_H_

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/fakes/redis/redis_server.h"

namespace sluice {

// Six nodes: 0 to 2 start as primaries of a third of the slots each, node 3 + i as the replica of
// node i. A primary that is lost is replaced within 1 to 2 s. For one thread at a time.
class RedisCluster {
 public:
  static constexpr int kNodes = 6;
  static constexpr int kPrimaries = 3;

  // `config`: lines of redis.conf for every node. Returns when each says that all is well.
  explicit RedisCluster(const std::vector<std::string>& config = {});

  RedisServer& node(int i) { return *nodes_[i]; }
  std::vector<std::string> endpoints() const;  // of all nodes

  // The node that owns the slot by its own word, the latest election winning; -1: none that
  // answers.
  int PrimaryOf(int slot);
  int SlotOf(const std::string& key);
  // False when not every running node called the cluster well within `timeout_us`.
  bool WaitUntilOk(int64_t timeout_us = 10'000'000);

  // Moves a slot with its keys to the primary `to`, as redis-cli does it. In between, the old owner
  // answers ASK for keys that it has not, and TRYAGAIN for commands on some that it has and some
  // that it has not.
  void MigrateSlot(int slot, int to);
  void BeginMigration(int slot, int to);         // moves no key
  void MoveKey(const std::string& key, int to);  // while its slot moves
  void FinishMigration(int slot, int to);        // moves the keys that are left, and the slot

 private:
  void Form();

  std::array<std::unique_ptr<RedisServer>, kNodes> nodes_;
  std::array<std::string, kNodes> ids_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_REDIS_REDIS_CLUSTER_H_
