#include "tests/fakes/redis/redis_cluster.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "tests/fakes/redis/patience.h"

namespace sluice {
namespace {

constexpr int kSlots = 16384;
constexpr int64_t kFormUs = 15'000'000;
// For nodes that a test may have stopped.
constexpr int64_t kAskUs = 300'000;

void Expect(RedisServer& node, const std::vector<std::string>& command) {
  const std::string answer = node.Cli(command);
  if (answer == "OK" || answer == "NOKEY") return;
  GiveUp(absl::StrCat(command[0], " ", command.size() > 1 ? command[1] : "", " at ",
                      node.endpoint(), ": ", answer));
}

struct Row {
  bool primary = false;
  int64_t epoch = 0;
  bool owns = false;
};

bool IsWithin(absl::string_view range, int slot) {
  const std::pair<absl::string_view, absl::string_view> ends =
      absl::StrSplit(range, absl::MaxSplits('-', 1));
  int first = 0;
  if (!absl::SimpleAtoi(ends.first, &first)) return false;
  int last = first;
  if (!ends.second.empty() && !absl::SimpleAtoi(ends.second, &last)) return false;
  return first <= slot && slot <= last;
}

// What a node says of itself in CLUSTER NODES.
Row OwnRow(absl::string_view nodes, int slot) {
  Row row;
  for (absl::string_view line : absl::StrSplit(nodes, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
    if (fields.size() < 8) continue;
    const std::vector<absl::string_view> flags = absl::StrSplit(fields[2], ',');
    if (flags[0] != "myself") continue;
    row.primary = flags.size() > 1 && flags[1] == "master";
    if (!absl::SimpleAtoi(fields[6], &row.epoch)) row.epoch = 0;
    for (size_t i = 8; i < fields.size(); ++i) row.owns = row.owns || IsWithin(fields[i], slot);
  }
  return row;
}

}  // namespace

RedisCluster::RedisCluster(const std::vector<std::string>& config) {
  RedisSetup options;
  options.cluster = true;
  options.config = {"cluster-node-timeout 500", "cluster-replica-validity-factor 0"};
  options.config.insert(options.config.end(), config.begin(), config.end());
  for (int i = 0; i < kNodes; ++i) {
    nodes_[i] = std::make_unique<RedisServer>(options);
    ids_[i] = nodes_[i]->Cli({"CLUSTER", "MYID"});
  }
  Form();
}

void RedisCluster::Form() {
  for (int i = 0; i < kNodes; ++i) {
    Expect(node(i), {"CLUSTER", "SET-CONFIG-EPOCH", absl::StrCat(i + 1)});
    // Everyone meets everyone, which is faster than gossip.
    for (int j = 0; j < i; ++j) {
      Expect(node(i), {"CLUSTER", "MEET", "127.0.0.1", absl::StrCat(node(j).port()),
                       absl::StrCat(node(j).cluster_port())});
    }
  }
  for (int i = 0; i < kPrimaries; ++i) {
    Expect(node(i), {"CLUSTER", "ADDSLOTSRANGE", absl::StrCat(i * kSlots / kPrimaries),
                     absl::StrCat((i + 1) * kSlots / kPrimaries - 1)});
  }
  for (int i = kPrimaries; i < kNodes; ++i) {
    const std::vector<std::string> replicate = {"CLUSTER", "REPLICATE", ids_[i - kPrimaries]};
    std::string answer;
    if (!WaitUntil([&] { return (answer = node(i).Cli(replicate)) == "OK"; }, kFormUs)) {
      GiveUp(absl::StrCat("CLUSTER REPLICATE at ", node(i).endpoint(), ": ", answer));
    }
  }
  for (int i = kPrimaries; i < kNodes; ++i) {
    if (!WaitUntil([&] { return node(i).Info("master_link_status") == "up"; }, kFormUs)) {
      GiveUp(absl::StrCat(node(i).endpoint(), " does not follow its primary:\n", node(i).Log()));
    }
  }
  if (!WaitUntilOk(kFormUs)) {
    GiveUp(absl::StrCat("the cluster does not form:\n", node(0).Cli({"CLUSTER", "NODES"})));
  }
}

std::vector<std::string> RedisCluster::endpoints() const {
  std::vector<std::string> all;
  all.reserve(kNodes);
  for (const auto& node : nodes_) all.push_back(node->endpoint());
  return all;
}

bool RedisCluster::WaitUntilOk(int64_t timeout_us) {
  return WaitUntil(
      [&] {
        for (const auto& node : nodes_) {
          if (node->Pid() == 0) continue;
          if (node->ClusterInfo("cluster_state") != "ok") return false;
          if (node->ClusterInfo("cluster_known_nodes") != absl::StrCat(kNodes)) return false;
        }
        return true;
      },
      timeout_us);
}

int RedisCluster::PrimaryOf(int slot) {
  int owner = -1;
  int64_t latest = -1;
  for (int i = 0; i < kNodes; ++i) {
    const Row row = OwnRow(node(i).Cli({"CLUSTER", "NODES"}, kAskUs), slot);
    if (row.primary && row.owns && row.epoch > latest) {
      owner = i;
      latest = row.epoch;
    }
  }
  return owner;
}

int RedisCluster::SlotOf(const std::string& key) {
  return std::atoi(node(0).Cli({"CLUSTER", "KEYSLOT", key}).c_str());
}

void RedisCluster::MigrateSlot(int slot, int to) {
  BeginMigration(slot, to);
  FinishMigration(slot, to);
}

void RedisCluster::BeginMigration(int slot, int to) {
  const int from = PrimaryOf(slot);
  if (from < 0 || from == to) GiveUp(absl::StrCat("slot ", slot, " cannot move to node ", to));
  const std::string number = absl::StrCat(slot);
  Expect(node(to), {"CLUSTER", "SETSLOT", number, "IMPORTING", ids_[from]});
  Expect(node(from), {"CLUSTER", "SETSLOT", number, "MIGRATING", ids_[to]});
}

void RedisCluster::MoveKey(const std::string& key, int to) {
  RedisServer& from = node(PrimaryOf(SlotOf(key)));
  Expect(from, {"MIGRATE", "127.0.0.1", absl::StrCat(node(to).port()), key, "0", "5000"});
}

void RedisCluster::FinishMigration(int slot, int to) {
  const int from = PrimaryOf(slot);
  if (from < 0) GiveUp(absl::StrCat("nobody owns slot ", slot));
  const std::string number = absl::StrCat(slot);
  while (true) {
    const std::string keys = node(from).Cli({"CLUSTER", "GETKEYSINSLOT", number, "100"});
    if (keys.empty()) break;
    for (const std::string& key : std::vector<std::string>(absl::StrSplit(keys, '\n'))) {
      MoveKey(key, to);
    }
  }
  // The new owner first, so that at no time nobody owns it.
  Expect(node(to), {"CLUSTER", "SETSLOT", number, "NODE", ids_[to]});
  Expect(node(from), {"CLUSTER", "SETSLOT", number, "NODE", ids_[to]});
}

}  // namespace sluice
