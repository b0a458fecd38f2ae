#include "tests/integration/chaos/node.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "backend/memory/memory_backend.h"
#include "backend/redis/redis_backend.h"
#include "tests/fakes/policies.h"
#include "tests/fakes/redis/patience.h"

namespace sluice {
namespace {

// Of two windows of such lengths at least one ends in more than an hour.
std::string Window(int64_t now_us) {
  const int64_t window_us = 1000 * kHourUs;
  return now_us % window_us + kHourUs < window_us ? "1000h" : "1001h";
}

std::string PolicyText(int64_t now_us, absl::string_view on_error) {
  const std::string window = Window(now_us);
  return absl::StrCat(
      "backends: {shared: {type: memory}, spare: {type: memory}}\n"
      "default_backend: shared\n"
      "defaults: {on_error: ",
      on_error, "}\nthrottles:\n  - {uid: tight, rate: ", kTight, "/", window,
      "}\n  - {uid: wide, rate: ", kWide, "/", window, "}\n  - {uid: other, rate: ", kWide, "/",
      window, "}\n  - {uid: bucket, strategy: token_bucket, rate: ", kBucket, "/s}\n");
}

}  // namespace

class Node::Silent final : public Observer {
 public:
  void OnThrottles(const ThrottleCall&) override {}
  void OnDescriptors(const DescriptorCall&) override {}
  void OnExpressionFailed(const Throttle&, const absl::Status&, int64_t) override {}
  void OnOrphans(absl::string_view, size_t) override {}
};

// Hears what the limiter is told of failures, which it turns into outcomes.
class Node::Witness final : public Backend {
 public:
  explicit Witness(std::unique_ptr<Backend> inner) : inner_(std::move(inner)) {}

  void Decide(Decision& decision) override { inner_->Decide(*new Heard(*this, decision)); }
  uint32_t Unit(const CounterKey& key) const override { return inner_->Unit(key); }
  void Forget(Forgetting& forgetting) override { inner_->Forget(forgetting); }
  BackendStats Stats() const override { return inner_->Stats(); }

  int64_t Unproved(const std::string& key) const {
    MutexLock lock(mutex_);
    const auto found = unproved_.find(key);
    return found == unproved_.end() ? 0 : found->second;
  }
  std::map<std::string, int64_t> errors() const {
    MutexLock lock(mutex_);
    return errors_;
  }

 private:
  class Heard final : public Decision {
   public:
    Heard(Witness& witness, Decision& caller) : witness_(witness), caller_(caller) {
      charges = caller.charges;
      verdicts = caller.verdicts;
      now_us = caller.now_us;
      deadline_us = caller.deadline_us;
    }
    void Done(absl::Status status) override {
      if (!status.ok()) witness_.Note(*this, status);
      Decision& caller = caller_;
      delete this;
      caller.Done(std::move(status));
    }

   private:
    Witness& witness_;
    Decision& caller_;
  };

  void Note(const Decision& decision, const absl::Status& status) {
    MutexLock lock(mutex_);
    ++errors_[std::string(status.message())];
    if (ProvesNotRun(status)) return;
    for (const Charge& charge : decision.charges) {
      if (charge.mode == Mode::kTake) ++unproved_[charge.key.ToString()];
    }
  }

  const std::unique_ptr<Backend> inner_;
  mutable Mutex mutex_;
  std::map<std::string, int64_t> unproved_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int64_t> errors_ ABSL_GUARDED_BY(mutex_);
};

RedisOptions ReachOf(const std::vector<std::string>& endpoints) {
  RedisOptions options;
  for (const std::string& endpoint : endpoints) {
    options.addresses.push_back(*Endpoint::Parse(endpoint));
  }
  return options;
}

RedisOptions ReachOf(const RedisServer& server) { return ReachOf({server.endpoint()}); }
RedisOptions ReachOf(const TcpProxy& proxy) { return ReachOf({proxy.endpoint()}); }

RedisOptions ReachOf(const RedisSentinel& sentinel) {
  RedisOptions options = ReachOf(sentinel.sentinel_endpoints());
  options.mode = RedisOptions::Mode::kSentinel;
  options.sentinel_master = RedisSentinel::kMaster;
  return options;
}

RedisOptions ReachOf(const RedisCluster& cluster) {
  RedisOptions options = ReachOf(cluster.endpoints());
  options.mode = RedisOptions::Mode::kCluster;
  return options;
}

Node::Node(const RedisOptions& reach, absl::string_view on_error)
    : clock_(NewSystemClock()), observer_(std::make_unique<Silent>()) {
  loops_.push_back(NewEventLoop(*clock_));
  limiter_ = std::make_unique<Limiter>(HashSecret::FromSeed(1), *observer_, *clock_);
  recoveries_ = std::make_unique<Recoveries>(
      [this](const std::string& name) { limiter_->ForgetFallbacks(name, clock_->Now()); });

  ResilientHooks hooks;
  hooks.after = [loop = loops_.front().get()](int64_t delay_us, std::function<void()> task) {
    loop->RunAfter(delay_us, std::move(task));
  };
  hooks.on_breaker = [this](BreakerState state) {
    if (state != BreakerState::kClosed) return;
    last_closed_us_ = SteadyUs();
    ++closings_;
    recoveries_->Add("shared");
  };
  std::unique_ptr<ResilientBackend> resilient = NewResilientBackend(
      NewRedisBackend(reach, {loops_.front().get()}), {}, std::move(hooks), *clock_);
  resilient_ = resilient.get();
  witness_ = std::make_shared<Witness>(std::move(resilient));
  spare_ = NewMemoryBackend({});
  limiter_->Publish(PolicyOf(PolicyText(clock_->Now(), on_error)), {witness_, spare_});
}

Node::~Node() {
  recoveries_->Stop();
  limiter_.reset();
  witness_.reset();
}

int64_t Node::Unproved(const std::string& key) const { return witness_->Unproved(key); }
std::map<std::string, int64_t> Node::errors() const { return witness_->errors(); }

}  // namespace sluice
