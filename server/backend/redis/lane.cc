#include "backend/redis/lane.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backend/redis/forget.h"
#include "backend/redis/script.h"
#include "backend/redis/script_call.h"
#include "core/mutex.h"
#include "strategy/limit.h"

namespace sluice {
namespace {

// More do not go in one call, because Redis serves nobody else meanwhile.
constexpr size_t kMostDecisions = 256;
constexpr size_t kMostKeys = 16;
// What is open when the lane stops has so long to end.
constexpr int64_t kDrainUs = 2'000'000;
// How often a decision is asked again with the terms of another instant.
constexpr int kMostStale = 4;

class LaneImpl final : public Lane {
 public:
  LaneImpl(const RedisOptions& options, LaneCounts& counts, EventLoop& loop)
      : options_(options), counts_(counts), loop_(loop) {
    loop_.Post([this] { Start(); });
  }

  void Decide(Decision& decision) override {
    if (Enqueue(&LaneImpl::decisions_, decision)) return;
    Answer(decision, NotRun(Ending()));
  }
  void Forget(Forgetting& forgetting) override {
    if (Enqueue(&LaneImpl::forgettings_, forgetting)) return;
    forgetting.Done(NotRun(Ending()));
  }

  void Stop() override {
    loop_.Post([this] { Drain(); });
    MutexLock lock(mutex_);
    while (!stopped_) changed_.Wait(mutex_);
  }

 private:
  struct Waiting;
  using Deadlines = std::multimap<int64_t, Waiting*>;
  using Batch = std::vector<std::unique_ptr<Waiting>>;

  // A decision that is not answered yet, or whose call is still on its way.
  struct Waiting {
    Decision* decision;  // null: it is answered
    absl::InlinedVector<int64_t, 2> around;
    int stale = 0;
    bool sent = false;
    Deadlines::iterator deadline;
  };

  class Call;

  static absl::Status Ending() { return absl::UnavailableError("the backend is ending"); }

  // Whether the loop will take it.
  template <class Asked>
  bool Enqueue(std::vector<Asked*> LaneImpl::*inbox, Asked& asked) {
    bool wakes = false;
    {
      MutexLock lock(mutex_);
      if (ended_) return false;
      wakes = decisions_.empty() && forgettings_.empty();
      (this->*inbox).push_back(&asked);
    }
    if (wakes) loop_.Post([this] { TakeInbox(); });
    return true;
  }

  void Start() {
    scripts_ = {TheDecideScript().text};
    router_ = NewRouter(options_, scripts_, counts_.router, loop_);
    deadline_timer_ = loop_.NewTimer([this] { Expire(); });
  }

  void TakeInbox() {
    std::vector<Decision*> decisions;
    std::vector<Forgetting*> forgettings;
    {
      MutexLock lock(mutex_);
      decisions.swap(decisions_);
      forgettings.swap(forgettings_);
    }
    for (Decision* decision : decisions) Take(*decision);
    for (Forgetting* forgetting : forgettings) {
      if (router_ == nullptr) {
        forgetting->Done(NotRun(Ending()));
      } else {
        ++sweeps_;
        ForgetThrough(*router_, options_, loop_, *forgetting, [this] {
          --sweeps_;
          StopIfDrained();
        });
      }
    }
  }

  void Take(Decision& decision) {
    if (router_ == nullptr) return Answer(decision, NotRun(Ending()));
    const int64_t now_us = options_.virtual_time ? decision.now_us : loop_.now_us();
    if (decision.deadline_us < now_us) return Answer(decision, NotRun(TooLate()));
    auto waiting = std::make_unique<Waiting>();
    waiting->decision = &decision;
    waiting->around.resize(decision.charges.size());
    for (size_t i = 0; i < decision.charges.size(); ++i) {
      waiting->around[i] = now_us / decision.charges[i].limit.tick_us();
    }
    waiting->deadline =
        deadlines_.emplace(options_.virtual_time ? kNever : decision.deadline_us, waiting.get());
    SetTimer();
    Route(std::move(waiting));
  }

  // What comes in one wakeup goes out at its end.
  void Route(std::unique_ptr<Waiting> waiting) {
    if (Park(waiting)) return;
    if (ready_.empty()) loop_.AtEndOfWakeup([this] { SendAll(std::exchange(ready_, {})); });
    ready_.push_back(std::move(waiting));
  }

  // A call that is being put together.
  struct Open {
    Batch batch;
    absl::flat_hash_set<Fingerprint, FingerprintHash> keys;
  };

  // In few calls; those whose keys an earlier one of these calls has wait for it.
  void SendAll(Batch batch);
  // Whether the decision does not go into the call.
  bool IsFull(const Open& open, const Waiting& waiting) const;
  void Close(Open& open);

  // Whether a call with one of its keys is on its way, for which it then waits.
  bool Park(std::unique_ptr<Waiting>& waiting) {
    if (!options_.coalesce) return false;
    for (const Charge& charge : waiting->decision->charges) {
      const auto busy = busy_.find(charge.key.fingerprint());
      if (busy == busy_.end()) continue;
      busy->second.push_back(std::move(waiting));
      return true;
    }
    return false;
  }

  void Send(Batch batch);
  // What a call that is back leaves to be asked again, and then what waited for its keys.
  void Release(absl::Span<const Fingerprint> keys, Batch again);

  void Answered(Call& call, const redisReply& reply);
  void Failed(Call& call, const absl::Status& status);

  // The decision may be destroyed within.
  void Answer(Decision& decision, absl::Status status) {
    counts_.queue.fetch_sub(1, std::memory_order_relaxed);
    decision.Done(std::move(status));
  }
  void Answer(Waiting& waiting, absl::Status status) {
    deadlines_.erase(waiting.deadline);
    Answer(*std::exchange(waiting.decision, nullptr), std::move(status));
    StopIfDrained();
  }

  static absl::Status TooLate() {
    return absl::DeadlineExceededError("Redis did not answer in time");
  }
  // Redis itself works: this opens no breaker.
  absl::Status Foreign(const Decision& decision) const {
    const std::string keys =
        absl::StrJoin(decision.charges, " or ", [this](std::string* out, const Charge& charge) {
          absl::StrAppend(out, charge.key.ToString(options_.hash_tag));
        });
    return absl::FailedPreconditionError(
        absl::StrCat("the key ", keys, " holds no counter of ours"));
  }
  void CountTimeout() {
    counts_.router.errors[kTimeoutError].fetch_add(1, std::memory_order_relaxed);
  }

  void SetTimer() {
    if (deadlines_.empty()) return;
    const int64_t first_us = deadlines_.begin()->first;
    if (first_us != kNever && first_us < timer_us_) deadline_timer_->Set(timer_us_ = first_us);
  }

  void Expire() {
    timer_us_ = kNever;
    while (!deadlines_.empty() && deadlines_.begin()->first <= loop_.now_us()) {
      Waiting& waiting = *deadlines_.begin()->second;
      CountTimeout();
      Answer(waiting, waiting.sent ? TooLate() : NotRun(TooLate()));
    }
    SetTimer();
  }

  void Drain();
  void StopIfDrained();
  void End();

  const RedisOptions& options_;
  LaneCounts& counts_;
  EventLoop& loop_;

  Mutex mutex_;
  std::vector<Decision*> decisions_ ABSL_GUARDED_BY(mutex_);
  std::vector<Forgetting*> forgettings_ ABSL_GUARDED_BY(mutex_);
  CondVar changed_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;    // nothing more is taken
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;  // the loop has nothing of it left

  // On the loop.
  std::vector<std::string> scripts_;
  Batch ready_;     // to be sent at the end of the wakeup
  int sweeps_ = 0;  // forgettings that are not answered yet
  bool draining_ = false;
  std::unique_ptr<EventLoop::Timer> drain_timer_;
  // The keys of calls that are on their way, and who waits for each.
  absl::flat_hash_map<Fingerprint, Batch, FingerprintHash> busy_;
  Deadlines deadlines_;
  int64_t timer_us_ = kNever;
  std::unique_ptr<EventLoop::Timer> deadline_timer_;
  std::unique_ptr<Router> router_;
};

class LaneImpl::Call final : public RedisCall {
 public:
  Call(LaneImpl& lane, Batch sent)
      : batch(std::move(sent)), script(lane.options_), sent_us(lane.loop_.now_us()), lane_(lane) {
    for (const auto& waiting : batch) {
      script.Add(*waiting->decision, waiting->around);
      waiting->sent = true;
      if (!lane.options_.coalesce) continue;
      for (const Charge& charge : waiting->decision->charges) {
        if (lane.busy_.try_emplace(charge.key.fingerprint()).second) {
          keys.push_back(charge.key.fingerprint());
        }
      }
    }
    command = script.Format(batch.front()->decision->now_us);
    if (lane.options_.mode == RedisOptions::Mode::kCluster) slot = SlotOf(script.key());
    deadline_us = sent_us + lane.options_.reply_timeout_us;
  }

  void OnReply(const redisReply& reply) override { lane_.Answered(*this, reply); }
  void OnError(const absl::Status& status) override { lane_.Failed(*this, status); }

  Batch batch;
  ScriptCall script;
  const int64_t sent_us;
  absl::InlinedVector<Fingerprint, 2> keys;  // that this call made busy

 private:
  LaneImpl& lane_;
};

void LaneImpl::Send(Batch batch) {
  if (batch.size() > 1) {
    // Those on one key follow each other: so the script loads and stores it once.
    std::stable_sort(batch.begin(), batch.end(), [](const auto& a, const auto& b) {
      return a->decision->charges.front().key.fingerprint() <
             b->decision->charges.front().key.fingerprint();
    });
    counts_.coalesced.fetch_add(static_cast<int64_t>(batch.size()) - 1, std::memory_order_relaxed);
  }
  router_->Send(std::make_unique<Call>(*this, std::move(batch)));
}

bool LaneImpl::IsFull(const Open& open, const Waiting& waiting) const {
  if (open.batch.empty()) return false;
  size_t fresh = 0;
  for (const Charge& charge : waiting.decision->charges) {
    if (!open.keys.contains(charge.key.fingerprint())) ++fresh;
  }
  // A Cluster's calls are of one slot, which different keys hardly ever share.
  const size_t most_keys = options_.mode == RedisOptions::Mode::kCluster ? 1 : kMostKeys;
  // A call is of one instant, which a real clock gives it when Redis runs it.
  const bool apart_in_time =
      options_.virtual_time && open.batch.front()->decision->now_us != waiting.decision->now_us;
  return open.batch.size() == kMostDecisions || open.keys.size() + fresh > most_keys ||
         apart_in_time;
}

void LaneImpl::Close(Open& open) {
  open.keys.clear();
  if (!open.batch.empty()) Send(std::exchange(open.batch, {}));
}

void LaneImpl::SendAll(Batch batch) {
  // Looks go apart, so that a Redis that takes no writes answers them.
  Open takes;
  Open looks;
  for (auto& waiting : batch) {
    // A call that failed at once may have answered it.
    if (waiting->decision == nullptr) continue;
    const bool only_looks = ScriptCall::OnlyLooks(*waiting->decision);
    Open& own = only_looks ? looks : takes;
    Open& other = only_looks ? takes : looks;
    // On one key what came first goes first.
    for (const Charge& charge : waiting->decision->charges) {
      if (other.keys.contains(charge.key.fingerprint())) Close(other);
    }
    if (IsFull(own, *waiting)) Close(own);
    if (Park(waiting)) continue;
    for (const Charge& charge : waiting->decision->charges) {
      own.keys.insert(charge.key.fingerprint());
    }
    own.batch.push_back(std::move(waiting));
    if (!options_.coalesce) Close(own);
  }
  Close(takes);
  Close(looks);
}

void LaneImpl::Release(absl::Span<const Fingerprint> keys, Batch again) {
  for (const Fingerprint& key : keys) {
    const auto busy = busy_.find(key);
    std::move(busy->second.begin(), busy->second.end(), std::back_inserter(again));
    busy_.erase(busy);
  }
  for (auto& waiting : again) {
    if (waiting->decision != nullptr) Route(std::move(waiting));
  }
}

void LaneImpl::Answered(Call& call, const redisReply& reply) {
  const int64_t round_trip_us = std::max<int64_t>(loop_.now_us() - call.sent_us, 0);
  const auto& bounds = RoundTrips::kBoundsUs;
  const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), round_trip_us);
  counts_.round_trips[static_cast<size_t>(bucket - bounds.begin())].fetch_add(
      1, std::memory_order_relaxed);
  counts_.round_trips_sum_us.fetch_add(round_trip_us, std::memory_order_relaxed);

  absl::StatusOr<ScriptReply> read = ScriptReply::Of(call.script, reply);
  if (!read.ok()) {
    counts_.router.errors[kReplyError].fetch_add(1, std::memory_order_relaxed);
    Failed(call, read.status());
    return;
  }
  if (!options_.virtual_time) {
    counts_.clock_behind_us.store(std::max<int64_t>(call.sent_us - read->now_us(), 0),
                                  std::memory_order_relaxed);
  }
  Batch stale;
  for (auto& waiting : call.batch) {
    if (waiting->decision == nullptr) {
      read->Skip();
      continue;
    }
    const ScriptReply::Answer answer = read->Read(*waiting->decision, waiting->around);
    if (answer == ScriptReply::Answer::kDecided) {
      Answer(*waiting, absl::OkStatus());
    } else if (answer == ScriptReply::Answer::kForeign) {
      Answer(*waiting, Foreign(*waiting->decision));
    } else if (++waiting->stale == kMostStale) {
      Answer(*waiting, NotRun(absl::UnavailableError("the times of its keys kept changing")));
    } else {
      waiting->sent = false;
      stale.push_back(std::move(waiting));
    }
  }
  Release(call.keys, std::move(stale));
}

void LaneImpl::Failed(Call& call, const absl::Status& status) {
  for (const auto& waiting : call.batch) {
    if (waiting->decision != nullptr) Answer(*waiting, status);
  }
  Release(call.keys, {});
}

void LaneImpl::Drain() {
  {
    MutexLock lock(mutex_);
    ended_ = true;
  }
  TakeInbox();
  draining_ = true;
  drain_timer_ = loop_.NewTimer([this] { End(); });
  drain_timer_->Set(loop_.now_us() + kDrainUs);
  StopIfDrained();
}

void LaneImpl::StopIfDrained() {
  if (!draining_ || !deadlines_.empty() || sweeps_ > 0) return;
  draining_ = false;
  // It must not end twice: the lane may be gone after the first.
  drain_timer_->Cancel();
  // Not within what is being answered just now.
  loop_.Post([this] { End(); });
}

void LaneImpl::End() {
  draining_ = false;
  drain_timer_ = nullptr;
  const std::unique_ptr<Router> router = std::move(router_);
  while (!deadlines_.empty()) {
    Waiting& waiting = *deadlines_.begin()->second;
    Answer(waiting, waiting.sent ? Ending() : NotRun(Ending()));
  }
  deadline_timer_ = nullptr;
  // Calls that are on their way fail with the router, and what waits for them has been answered.
  // What they leave for the end of this wakeup needs the lane.
  loop_.Post([this] {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  });
}

}  // namespace

std::unique_ptr<Lane> NewLane(const RedisOptions& options, LaneCounts& counts, EventLoop& loop) {
  return std::make_unique<LaneImpl>(options, counts, loop);
}

}  // namespace sluice
