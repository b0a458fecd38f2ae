#include "tests/fakes/redis/redis_sentinel.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "tests/fakes/redis/patience.h"

namespace sluice {
namespace {

constexpr int64_t kFormUs = 15'000'000;
// For Sentinels that a test may have stopped.
constexpr int64_t kAskUs = 300'000;

// A field of SENTINEL MASTER, whose lines are names and values in turn.
std::string MasterField(const RedisServer& sentinel, absl::string_view field) {
  const std::string answer = sentinel.Cli({"SENTINEL", "MASTER", RedisSentinel::kMaster});
  const std::vector<std::string> lines = absl::StrSplit(answer, '\n');
  for (size_t i = 0; i + 1 < lines.size(); i += 2) {
    if (lines[i] == field) return lines[i + 1];
  }
  return "";
}

bool KnowsAll(const RedisServer& sentinel) {
  return MasterField(sentinel, "num-slaves") == absl::StrCat(RedisSentinel::kServers - 1) &&
         MasterField(sentinel, "num-other-sentinels") ==
             absl::StrCat(RedisSentinel::kSentinels - 1) &&
         MasterField(sentinel, "flags") == "master";
}

}  // namespace

RedisSentinel::RedisSentinel(const SentinelOptions& options) {
  for (auto& server : servers_) {
    RedisSetup of_server;
    of_server.config = options.config;
    if (servers_[0] != nullptr) {
      of_server.config.push_back(absl::StrCat("replicaof 127.0.0.1 ", servers_[0]->port()));
    }
    server = std::make_unique<RedisServer>(of_server);
  }
  if (!WaitUntil([&] { return server(1).Info("master_link_status") == "up"; }, kFormUs)) {
    GiveUp(absl::StrCat("the replica does not follow:\n", server(1).Log()));
  }
  RedisSetup of_sentinel;
  of_sentinel.sentinel = true;
  const std::string master(kMaster);
  of_sentinel.config = {
      absl::StrCat("sentinel monitor ", master, " 127.0.0.1 ", server(0).port(), " 2"),
      absl::StrCat("sentinel down-after-milliseconds ", master, " 500"),
      absl::StrCat("sentinel failover-timeout ", master, " 2000")};
  of_sentinel.config.insert(of_sentinel.config.end(), options.sentinel_config.begin(),
                            options.sentinel_config.end());
  for (auto& sentinel : sentinels_) {
    sentinel = std::make_unique<RedisServer>(of_sentinel);
    // They tell each other of themselves every 2 s, and ask servers for news every 10 s.
    sentinel->Cli({"SENTINEL", "DEBUG", "publish-period", "200", "info-period", "500"});
  }
  for (const auto& sentinel : sentinels_) {
    if (!WaitUntil([&] { return KnowsAll(*sentinel); }, kFormUs)) {
      GiveUp(absl::StrCat("the Sentinels do not meet:\n", sentinel->Log()));
    }
  }
}

std::vector<std::string> RedisSentinel::sentinel_endpoints() const {
  std::vector<std::string> all;
  all.reserve(kSentinels);
  for (const auto& sentinel : sentinels_) all.push_back(sentinel->endpoint());
  return all;
}

int RedisSentinel::Primary() {
  std::array<int, kServers> votes{};
  for (const auto& sentinel : sentinels_) {
    const std::string address =
        sentinel->Cli({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", kMaster}, kAskUs);
    for (int i = 0; i < kServers; ++i) {
      if (address == absl::StrCat("127.0.0.1\n", server(i).port())) ++votes[i];
    }
  }
  const auto most = std::max_element(votes.begin(), votes.end());
  return *most == 0 ? -1 : static_cast<int>(most - votes.begin());
}

void RedisSentinel::Failover() {
  const int next = 1 - Primary();
  std::string answer;
  const auto begun = [&] {
    answer = sentinel(0).Cli({"SENTINEL", "FAILOVER", kMaster});
    return answer == "OK";
  };
  if (!WaitUntil(begun, kFormUs)) GiveUp(absl::StrCat("SENTINEL FAILOVER: ", answer));
  const auto done = [&] { return Primary() == next && server(next).Info("role") == "master"; };
  if (!WaitUntil(done, kFormUs)) {
    GiveUp(absl::StrCat("the failover does not end:\n", sentinel(0).Log()));
  }
}

}  // namespace sluice
