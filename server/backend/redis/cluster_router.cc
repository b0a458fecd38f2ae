#include <algorithm>
#include <map>
#include <random>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "backend/redis/routers.h"
#include "backend/redis/slots.h"

namespace sluice {
namespace {

constexpr int kMostHops = 5;
// Redis itself advises a thousand at most.
constexpr size_t kMostNodes = 2'000;
constexpr int64_t kLeastBetweenRefreshesUs = 100'000;
constexpr int64_t kBetweenRefreshesWhileDownUs = 250'000;
constexpr int64_t kBetweenSweepsUs = 1'000'000;
constexpr int64_t kPatienceUs = 500'000;
// How long a CLUSTERDOWN is remembered.
constexpr int64_t kDownUs = 1'000'000;

// Knows the primaries by CLUSTER SLOTS of any node, asked again when a connection is lost or a
// reply tells that the map is old, and holds a connection to each. What lies in a slot that nobody
// is known to have goes to any node, which tells by MOVED who has it.
class ClusterRouter final : public Router, public Connection::Owner {
 public:
  ClusterRouter(const RedisOptions& options, const std::vector<std::string>& scripts,
                RouterCounts& counts, EventLoop& loop)
      : options_(options),
        question_(FormatCommand({"CLUSTER", "SLOTS"})),
        manner_(NodeManner(options, scripts)),
        counts_(counts),
        loop_(loop),
        random_(std::random_device{}()),
        up_(counts),
        timer_(loop.NewTimer([this] { OnTimer(); })) {
    Refresh();
    Ask();
  }

  ~ClusterRouter() override {
    closing_ = true;
    nodes_.clear();
  }

  void Send(std::unique_ptr<RedisCall> call) override {
    if (closing_) {
      FailAsClosing(std::move(call), counts_);
      return;
    }
    const Endpoint* primary = map_.Find(call->slot);
    Connection* node = primary != nullptr ? NodeAt(*primary) : AnyNode();
    SendBy(node, ErrandOf(std::move(call)));
  }

  std::vector<Endpoint> Primaries() const override { return map_.primaries(); }

  void SendTo(const Endpoint& primary, std::unique_ptr<RedisCall> call) override {
    if (closing_) {
      FailAsClosing(std::move(call), counts_);
    } else if (IsPrimary(primary)) {
      SendBy(NodeAt(primary), ErrandOf(std::move(call)));
    } else {
      FailAsNoPrimary(primary, std::move(call), counts_);
    }
  }

 private:
  void SendBy(Connection* node, Errand errand) {
    if (node == nullptr) {
      Fail(std::move(errand), kConnectError,
           NotRun(absl::UnavailableError("the redis cluster names too many nodes")), counts_);
    } else {
      node->Send(std::move(errand));
    }
  }

  // Null when there are too many.
  Connection* NodeAt(const Endpoint& endpoint) {
    const auto found = nodes_.find(endpoint);
    if (found != nodes_.end()) return found->second.get();
    if (nodes_.size() == kMostNodes) return nullptr;
    auto node = std::make_unique<Connection>(options_, manner_, counts_, loop_, random_, *this);
    node->Open({endpoint});
    ArmBy(loop_.now_us() + kBetweenSweepsUs);
    return (nodes_[endpoint] = std::move(node)).get();
  }

  // One that is ready if there is one, else one that may soon be.
  Connection* AnyNode() {
    Connection* best = nullptr;
    for (const auto& [endpoint, node] : nodes_) {
      if (node->ready()) return node.get();
      if (best == nullptr || (node->hopeful() && !best->hopeful())) best = node.get();
    }
    return best;
  }

  bool IsPrimary(const Endpoint& endpoint) const {
    const std::vector<Endpoint>& primaries = map_.primaries();
    return std::find(primaries.begin(), primaries.end(), endpoint) != primaries.end();
  }

  void OnReady(Connection&) override { UpdateUp(); }

  // A failover may have made another one the primary.
  void OnLost(Connection&) override {
    UpdateUp();
    Refresh();
  }

  bool OnErrorReply(Connection& node, Errand& errand, absl::string_view error) override {
    const absl::string_view code = CodeOf(error);
    if (code == "MOVED" || code == "CLUSTERDOWN" || code == "READONLY") Refresh();
    if (code == "CLUSTERDOWN") {
      down_until_us_ = loop_.now_us() + kDownUs;
      UpdateUp();
    }
    if (code != "MOVED" && code != "ASK") return false;
    const absl::StatusOr<Redirection> redirection = ParseRedirection(error, node.endpoint());
    if (!redirection.ok()) return false;
    if (code == "MOVED") map_.Move(redirection->slot, redirection->to);
    if (errand.hops == kMostHops) return false;
    ++errand.hops;
    errand.asking = code == "ASK";
    errand.reloaded = false;
    SendBy(NodeAt(redirection->to), std::move(errand));
    return true;
  }

  void Refresh() {
    wanted_ = true;
    ArmBy(asked_us_ + kLeastBetweenRefreshesUs);
  }

  void OnTimer() {
    const int64_t now_us = loop_.now_us();
    UpdateUp();
    Sweep();
    const int64_t pause_us = wanted_ ? kLeastBetweenRefreshesUs : kBetweenRefreshesWhileDownUs;
    if ((wanted_ || !up_.up()) && !asking_) {
      if (asked_us_ + pause_us <= now_us) {
        Ask();
      } else {
        ArmBy(asked_us_ + pause_us);
      }
    }
    if (!up_.up()) ArmBy(now_us + kBetweenRefreshesWhileDownUs);
    if (nodes_.size() > map_.primaries().size()) ArmBy(now_us + kBetweenSweepsUs);
  }

  void Ask() {
    wanted_ = false;
    asking_ = true;
    asked_us_ = loop_.now_us();
    const Endpoint endpoint = NextToAsk();
    const auto answer = [this, endpoint](const redisReply* reply) { OnAnswer(reply, endpoint); };
    auto question = NewQuestion(question_, asked_us_ + kPatienceUs, answer);
    Connection* node = NodeAt(endpoint);
    if (node != nullptr) {
      node->Send(UncountedErrandOf(std::move(question)));
    } else {
      question->OnError(absl::UnavailableError(""));
    }
  }

  // In turn of those that are ready, else of all that are known.
  Endpoint NextToAsk() {
    std::vector<Endpoint> all = options_.addresses;
    all.insert(all.end(), map_.primaries().begin(), map_.primaries().end());
    all.insert(all.end(), map_.replicas().begin(), map_.replicas().end());
    for (size_t i = 0; i < all.size(); ++i) {
      const Endpoint& endpoint = all[(turn_ + i) % all.size()];
      const auto node = nodes_.find(endpoint);
      if (node == nodes_.end() || !node->second->ready()) continue;
      turn_ += i + 1;
      return endpoint;
    }
    return all[turn_++ % all.size()];
  }

  void OnAnswer(const redisReply* reply, const Endpoint& from) {
    asking_ = false;
    if (closing_) return;
    absl::StatusOr<SlotMap> map = absl::UnavailableError("no answer");
    if (reply != nullptr) map = SlotMap::Parse(*reply, from);
    // A node that belongs to no cluster (yet, or any more) knows none of them.
    if (!map.ok() || map->primaries().empty()) {
      if (reply != nullptr) {
        counts_.TellTrouble(absl::UnavailableError(
            absl::StrCat("redis ", from.ToString(), " knows no primaries of a cluster")));
      }
      Refresh();
      return;
    }
    map_ = *std::move(map);
    if (!map_.complete()) {
      counts_.TellTrouble(
          absl::UnavailableError("the redis cluster has slots that no node serves"));
    }
    for (const Endpoint& primary : map_.primaries()) NodeAt(primary);
    ArmBy(loop_.now_us() + kBetweenSweepsUs);
    UpdateUp();
  }

  // Drops the connections to nodes that are no primaries, once nothing waits there. On the timer
  // alone: no connection must go while it tells something.
  void Sweep() {
    if (map_.primaries().empty()) return;
    for (auto node = nodes_.begin(); node != nodes_.end();) {
      const bool dropped = !IsPrimary(node->first) && node->second->idle();
      node = dropped ? nodes_.erase(node) : std::next(node);
    }
  }

  void UpdateUp() {
    const std::vector<Endpoint>& primaries = map_.primaries();
    const bool up = down_until_us_ <= loop_.now_us() && map_.complete() &&
                    std::all_of(primaries.begin(), primaries.end(), [&](const Endpoint& primary) {
                      const auto node = nodes_.find(primary);
                      return node != nodes_.end() && node->second->ready();
                    });
    up_.Set(up);
    if (!up) ArmBy(loop_.now_us() + kBetweenRefreshesWhileDownUs);
  }

  void ArmBy(int64_t at_us) {
    if (timer_->is_set() && armed_us_ <= at_us) return;
    armed_us_ = at_us;
    timer_->Set(at_us);
  }

  const RedisOptions& options_;
  const std::string question_;
  const Manner manner_;
  RouterCounts& counts_;
  EventLoop& loop_;
  std::mt19937 random_;
  UpShare up_;

  bool closing_ = false;
  SlotMap map_;
  bool wanted_ = false;  // the map is to be asked for
  bool asking_ = false;
  int64_t asked_us_ = 0;
  size_t turn_ = 0;
  int64_t down_until_us_ = 0;
  int64_t armed_us_ = 0;
  std::unique_ptr<EventLoop::Timer> timer_;
  std::map<Endpoint, std::unique_ptr<Connection>> nodes_;
};

}  // namespace

std::unique_ptr<Router> NewClusterRouter(const RedisOptions& options,
                                         const std::vector<std::string>& scripts,
                                         RouterCounts& counts, EventLoop& loop) {
  return std::make_unique<ClusterRouter>(options, scripts, counts, loop);
}

}  // namespace sluice
