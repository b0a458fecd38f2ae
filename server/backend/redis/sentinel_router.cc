#include <hiredis/hiredis.h>

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "backend/redis/reader.h"
#include "backend/redis/routers.h"

namespace sluice {
namespace {

constexpr int64_t kBetweenPollsUs = 1'000'000;
constexpr int64_t kLeastBetweenPollsUs = 100'000;
constexpr int64_t kPatienceUs = 500'000;
constexpr absl::string_view kSwitched = "+switch-master";

// As Sentinels tell addresses.
absl::optional<Endpoint> EndpointOf(absl::string_view host, absl::string_view port) {
  uint32_t number = 0;
  if (host.empty() || host.size() > 255) return absl::nullopt;
  if (!absl::SimpleAtoi(port, &number) || number == 0 || number > 65535) return absl::nullopt;
  Endpoint endpoint;
  endpoint.host = std::string(host);
  endpoint.port = static_cast<uint16_t>(number);
  return endpoint;
}

absl::string_view TextAt(const redisReply& reply, size_t index) {
  if (reply.type != REDIS_REPLY_ARRAY || index >= reply.elements) return {};
  return TextOf(*reply.element[index]);
}

// Asks the Sentinels in turn where the master is: while there is no connection to it every second,
// and at once when it is lost or another one's subscription tells that it is elsewhere now. The
// master itself has to confirm it.
class SentinelRouter final : public Router, public Connection::Owner {
 public:
  SentinelRouter(const RedisOptions& options, const std::vector<std::string>& scripts,
                 RouterCounts& counts, EventLoop& loop)
      : options_(options),
        question_(FormatCommand({"SENTINEL", "get-master-addr-by-name", options.sentinel_master})),
        master_manner_(NodeManner(options, scripts)),
        counts_(counts),
        loop_(loop),
        random_(std::random_device{}()),
        up_(counts) {
    master_manner_.primary_only = true;
    asker_manner_.login = options.sentinel_login;
    listener_manner_.login = options.sentinel_login;
    listener_manner_.greeting.Add({"SUBSCRIBE", kSwitched});
    listener_manner_.subscribes = true;
    timer_ = loop.NewTimer([this] { Poll(); });
    master_ = NewConnection(master_manner_);
    asker_ = NewConnection(asker_manner_);
    listener_ = NewConnection(listener_manner_);
    asker_->Open(options.addresses);
    listener_->Open(options.addresses);
    Poll();
  }

  ~SentinelRouter() override {
    closing_ = true;
    listener_.reset();
    asker_.reset();
    master_.reset();
  }

  void Send(std::unique_ptr<RedisCall> call) override {
    if (closing_) {
      FailAsClosing(std::move(call), counts_);
    } else {
      master_->Send(ErrandOf(std::move(call)));
    }
  }

  std::vector<Endpoint> Primaries() const override {
    if (!known_.has_value()) return {};
    return {*known_};
  }

  void SendTo(const Endpoint& primary, std::unique_ptr<RedisCall> call) override {
    if (known_ == primary) {
      Send(std::move(call));
    } else {
      FailAsNoPrimary(primary, std::move(call), counts_);
    }
  }

 private:
  std::unique_ptr<Connection> NewConnection(const Manner& manner) {
    return std::make_unique<Connection>(options_, manner, counts_, loop_, random_, *this);
  }

  void OnReady(Connection& connection) override {
    if (&connection == master_.get()) {
      up_.Set(true);
    } else if (&connection == asker_.get()) {
      if (!master_->ready()) PollSoon();
    } else {
      // A switch may have been missed.
      PollSoon();
    }
  }

  void OnLost(Connection& connection) override {
    if (&connection == master_.get()) {
      up_.Set(false);
      PollSoon();
    } else if (&connection == asker_.get()) {
      OnNoAnswer();
    }
  }

  bool OnErrorReply(Connection& connection, Errand&, absl::string_view error) override {
    if (&connection == master_.get() && CodeOf(error) == "READONLY") {
      connection.Retire();
      PollSoon();
    }
    return false;
  }

  // `message`, the channel, and `NAME IP PORT IP PORT`, of which the last is the new one.
  void OnPush(const redisReply& reply) override {
    const std::vector<absl::string_view> words = absl::StrSplit(TextAt(reply, 2), ' ');
    if (TextAt(reply, 1) != kSwitched || words.size() != 5) return;
    if (words[0] == options_.sentinel_master) Follow(EndpointOf(words[3], words[4]));
  }

  void Follow(const absl::optional<Endpoint>& master) {
    if (!master.has_value()) return;
    known_ = master;
    master_->Open({*master});
  }

  void PollSoon() { timer_->Set(std::max(loop_.now_us(), polled_us_ + kLeastBetweenPollsUs)); }

  void Poll() {
    const int64_t now_us = loop_.now_us();
    timer_->Set(now_us + kBetweenPollsUs);
    if (asking_ || !asker_->hopeful()) return;
    asking_ = true;
    polled_us_ = now_us;
    asker_->Send(UncountedErrandOf(NewQuestion(
        question_, now_us + kPatienceUs, [this](const redisReply* reply) { OnAnswer(reply); })));
  }

  void OnAnswer(const redisReply* reply) {
    asking_ = false;
    if (closing_) return;
    absl::optional<Endpoint> master;
    if (reply != nullptr) master = EndpointOf(TextAt(*reply, 0), TextAt(*reply, 1));
    if (master.has_value()) {
      unanswered_ = 0;
      Follow(master);
    } else {
      // On to the next Sentinel.
      asker_->Retire();
    }
    if (master_->ready()) timer_->Cancel();
  }

  // Once none of them knows there is nothing to wait for.
  void OnNoAnswer() {
    if (++unanswered_ < options_.addresses.size()) return;
    unanswered_ = 0;
    if (master_->ready() || known_.has_value()) return;
    const absl::Status why = absl::UnavailableError(
        absl::StrCat("no sentinel tells where the master '", options_.sentinel_master, "' is"));
    counts_.TellTrouble(why);
    master_->GiveUp(why);
  }

  const RedisOptions& options_;
  const std::string question_;
  Manner master_manner_;
  Manner asker_manner_;
  Manner listener_manner_;
  RouterCounts& counts_;
  EventLoop& loop_;
  std::mt19937 random_;
  UpShare up_;

  bool closing_ = false;
  bool asking_ = false;
  int64_t polled_us_ = 0;
  size_t unanswered_ = 0;  // Sentinels in a row that did not tell
  absl::optional<Endpoint> known_;
  std::unique_ptr<EventLoop::Timer> timer_;
  std::unique_ptr<Connection> master_;
  std::unique_ptr<Connection> asker_;
  std::unique_ptr<Connection> listener_;
};

}  // namespace

std::unique_ptr<Router> NewSentinelRouter(const RedisOptions& options,
                                          const std::vector<std::string>& scripts,
                                          RouterCounts& counts, EventLoop& loop) {
  return std::make_unique<SentinelRouter>(options, scripts, counts, loop);
}

}  // namespace sluice
