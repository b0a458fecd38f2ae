#include "tests/conformance/differential.h"

#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "backend/memory/memory_backend.h"
#include "core/charge.h"
#include "core/key.h"
#include "strategy/limit.h"
#include "tests/conformance/counters.h"
#include "tests/fakes/on_loop.h"
#include "tests/fakes/redis/patience.h"
#include "tests/unit/strategy/any_case.h"
#include "tests/unit/strategy/laws.h"
#include "tests/unit/strategy/replay.h"
#include "tests/unit/strategy/trace.h"

namespace sluice {
namespace {

// So many histories are on their way at once.
constexpr size_t kAtOnce = 256;
// Of one history decisions of one instant go out together, up to so many of each key.
constexpr size_t kMostTogether = 16;
// One history of so many runs on several keys, and goes on under another limit.
constexpr int kOneInSo = 8;
constexpr size_t kKeysOfSome = 3;
// RapidCheck's sizes: of its whole range, so that long histories come, too.
constexpr int kLeastSize = 50;
constexpr int kMostSize = 100;

Mode ModeOf(Kind kind) {
  return kind == Kind::kHit ? Mode::kTake : kind == Kind::kLook ? Mode::kLook : Mode::kSettle;
}

std::string TellAll(const Verdict& verdict) {
  return absl::StrCat(Tell(verdict), verdict.taken ? " taken" : "",
                      verdict.changes ? " changes" : "", " at ", verdict.now_us, " tag ",
                      verdict.tag);
}

// The one sum of which a double may round the last bit (family/bucket.h).
bool SameTime(int64_t a_us, int64_t b_us, int64_t tick_us) {
  constexpr int64_t kExact = 2 * kMaxAmount;
  return a_us == b_us ||
         (std::min(a_us, b_us) / tick_us >= kExact && std::abs(a_us - b_us) <= tick_us);
}

bool Same(const Verdict& a, const Verdict& b, int64_t tick_us) {
  return a.allowed == b.allowed && a.taken == b.taken && a.changes == b.changes &&
         a.remaining == b.remaining && SameTime(a.wait_us, b.wait_us, tick_us) &&
         SameTime(a.reset_us, b.reset_us, tick_us) && a.now_us == b.now_us && a.tag == b.tag &&
         a.registers == b.registers;
}

// Nobody can ask for more (core/charge.h); a settlement is drawn up to twice of what a limit holds.
std::vector<Event> WithinBounds(std::vector<Event> events) {
  for (Event& event : events) event.amount = std::clamp(event.amount, -kMaxAmount, kMaxAmount);
  return events;
}

// One charge whose answer is kept.
class Ask final : public Decision {
 public:
  Ask(const CounterKey& key, const Limit& limit, const Moment& moment, std::function<void()> done)
      : charge_{Charge{key, limit, moment.event.amount, ModeOf(moment.event.kind),
                       limit.TagOf(moment.event.label)}},
        done_(std::move(done)) {
    charges = charge_;
    verdicts = absl::MakeSpan(verdict_);
    now_us = moment.now_us;
  }

  void Done(absl::Status status) override {
    status_ = std::move(status);
    done_();
  }

  const absl::Status& status() const { return status_; }
  const Verdict& verdict() const { return verdict_[0]; }

 private:
  const std::array<Charge, 1> charge_;
  std::array<Verdict, 1> verdict_{};
  const std::function<void()> done_;
  absl::Status status_ = absl::UnknownError("it was not answered");
};

Verdict Expected(const Moment& moment, int tag) {
  Verdict verdict = moment.verdict;
  verdict.taken =
      moment.event.kind == Kind::kSettle || (moment.event.kind == Kind::kHit && verdict.allowed);
  verdict.now_us = moment.now_us;
  verdict.tag = tag;
  return verdict;
}

const Law& TheModelLaw() {
  return *std::find_if(Laws().begin(), Laws().end(),
                       [](const Law& law) { return law.name == "AgreesWithTheModel"; });
}

}  // namespace

// One case on some keys, from start to end.
class History {
 public:
  History(Case one, absl::optional<Case> then, size_t keys, int64_t number)
      : limit_(*one.spec.Create()), case_(std::move(one)) {
    moments_ = Replay(JudgeOf(limit_), case_);
    under_first_ = moments_.size();
    if (then.has_value() && !moments_.empty()) GoOn(*std::move(then));
    asks_.resize(keys);
    for (size_t key = 0; key < keys; ++key) {
      for (size_t i = 0; i < moments_.size(); ++i) {
        asks_[key].push_back(
            std::make_unique<Ask>(KeyFor(absl::StrCat(number, ".", key, moments_[i].split)),
                                  LimitOfMoment(i), moments_[i], [this] { Answered(); }));
      }
    }
  }
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // On the backend's loop, and so is `done`.
  void Start(Backend& backend, std::function<void()> done) {
    backend_ = &backend;
    done_ = std::move(done);
    SendMore();
  }

  int64_t steps() const { return static_cast<int64_t>(moments_.size() * asks_.size()); }

  // Tells `differ` of each difference.
  void Judge(const std::function<void(const std::string&)>& differ) const {
    for (const auto& asks : asks_) {
      for (size_t i = 0; i < moments_.size(); ++i) {
        const Verdict expected = ExpectedAt(i);
        if (!asks[i]->status().ok()) {
          differ(Told(i, asks[i]->status().ToString(), "the step", expected));
        } else if (!Same(asks[i]->verdict(), expected, limit_.tick_us())) {
          differ(Told(i, TellAll(asks[i]->verdict()), "the step", expected));
        }
      }
    }
    JudgeByTheModel(differ);
    JudgeByMemory(differ);
  }

  std::string ToString() const {
    std::ostringstream out;
    out << case_;
    if (then_.has_value()) out << "then, on the same counter, " << *then_;
    return out.str();
  }

 private:
  void GoOn(Case then) {
    then.found = moments_.back().after;
    then.start_us = moments_.back().now_us;
    then_limit_ = *then.spec.Create();
    for (Moment& moment : Replay(JudgeOf(*then_limit_), then)) {
      moments_.push_back(std::move(moment));
    }
    then_ = std::move(then);
  }

  const Limit& LimitOfMoment(size_t i) const { return i < under_first_ ? limit_ : *then_limit_; }
  Verdict ExpectedAt(size_t i) const {
    return Expected(moments_[i], LimitOfMoment(i).TagOf(moments_[i].event.label));
  }
  const CounterKey& KeyFor(const std::string& name) {
    return keys_.try_emplace(name, KeyOf(name, limit_)).first->second;
  }
  std::string Told(size_t i, absl::string_view told, absl::string_view who,
                   const Verdict& expected) const {
    return absl::StrCat("step ", i, " of ", moments_.size(), ": ", told, "; ", who, " tells ",
                        TellAll(expected));
  }

  void SendMore() {
    if (at_ == moments_.size()) return done_();
    const size_t first = at_;
    while (at_ < moments_.size() && at_ < first + kMostTogether &&
           moments_[at_].now_us == moments_[first].now_us) {
      ++at_;
    }
    waits_ = (at_ - first) * asks_.size();
    for (size_t i = first, end = at_; i < end; ++i) {
      for (const auto& asks : asks_) backend_->Decide(*asks[i]);
    }
  }
  void Answered() {
    if (--waits_ == 0) SendMore();
  }

  // The model is played the same events, by who answers as the backend did.
  void JudgeByTheModel(const std::function<void(const std::string&)>& differ) const {
    size_t next = 0;
    const auto answer = [&] {
      const Verdict expected = ExpectedAt(next);
      Verdict told = asks_[0][next++]->verdict();
      if (Same(told, expected, limit_.tick_us())) told = expected;
      // There is no counter that it could change.
      told.changes = false;
      return told;
    };
    const sluice::Judge recorded = {
        [&](const Counter&, int64_t, int64_t, bool, const std::string&) { return answer(); },
        [&](const Counter&, int64_t, int64_t, const std::string&) { return answer(); },
        [](const std::string&) { return std::string(); }};
    const std::string breach = TheModelLaw().breach(recorded, case_);
    if (!breach.empty()) differ(breach);
  }

  // Up to where it may answer otherwise: it drops a counter that is idle, its time and what its
  // registers hold that shows in no answer.
  void JudgeByMemory(const std::function<void(const std::string&)>& differ) const {
    const auto memory = NewMemoryBackend({.max_keys = 64});
    struct Used {
      int64_t idle_us = 0;
      int64_t time_us = 0;
      bool first_limit = true;
      bool anew = false;  // it may have been dropped
    };
    std::map<std::string, Used> used;
    int64_t latest_us = 0;
    for (size_t i = 0; i < moments_.size(); ++i) {
      const Moment& moment = moments_[i];
      latest_us = std::max(latest_us, moment.now_us);
      Used& counter = used[moment.split];
      const bool droppable = latest_us + kMillisecondUs >= counter.idle_us;
      if (droppable && moment.now_us < std::max(counter.idle_us, counter.time_us)) return;
      // Under another limit it might not be idle.
      const bool other_limit = counter.first_limit != (i < under_first_);
      if ((droppable || counter.anew) && other_limit) return;
      counter.anew = counter.anew || (counter.time_us > 0 && droppable);
      const CounterKey key = KeyOf(moment.split, limit_);
      Ask ask(key, LimitOfMoment(i), moment, [] {});
      memory->Decide(ask);
      Verdict expected = ExpectedAt(i);
      if (counter.anew) expected.registers = ask.verdict().registers;
      if (!ask.status().ok() || !Same(ask.verdict(), expected, limit_.tick_us())) {
        differ(Told(i, absl::StrCat("memory ", TellAll(ask.verdict())), "the step", expected));
      }
      if (!expected.changes) continue;
      counter.idle_us = moment.now_us + expected.reset_us;
      counter.time_us = std::max(counter.time_us, moment.now_us);
      counter.first_limit = i < under_first_;
    }
  }

  const Limit limit_;
  const Case case_;
  absl::optional<Limit> then_limit_;
  absl::optional<Case> then_;
  std::vector<Moment> moments_;
  size_t under_first_ = 0;
  std::map<std::string, CounterKey> keys_;
  std::vector<std::vector<std::unique_ptr<Ask>>> asks_;  // a list a key

  // On the loop.
  Backend* backend_ = nullptr;
  std::function<void()> done_;
  size_t at_ = 0;
  size_t waits_ = 0;
};

namespace {

class AnyHistory {
 public:
  AnyHistory(std::string strategy, uint64_t seed)
      : strategy_(std::move(strategy)), any_case_(AnyCase(strategy_)), random_(seed) {}

  std::unique_ptr<History> Next() {
    static int64_t number = 0;
    const int size = kLeastSize + static_cast<int>(Below(kMostSize - kLeastSize + 1));
    Case one = Draw(any_case_, size);
    one.events = WithinBounds(std::move(one.events));
    const size_t keys = Below(kOneInSo) == 0 ? kKeysOfSome : 1;
    absl::optional<Case> then;
    if (Below(kOneInSo) == 0 && one.spec.tiers.empty()) then = Another(one.spec, size);
    return std::make_unique<History>(std::move(one), std::move(then), keys, ++number);
  }

 private:
  template <class T>
  T Draw(const rc::Gen<T>& any, int size) {
    return any(random_.split(), size).value();
  }
  uint64_t Below(uint64_t bound) { return random_.split().next() % bound; }

  absl::optional<Case> Another(const Spec& spec, int size) {
    try {
      Case another;
      another.spec = Draw(SpecOfSameShape(spec), size);
      another.events = WithinBounds(Draw(AnyEvents(another.spec), size));
      return another;
    } catch (const rc::GenerationFailure&) {
      return absl::nullopt;  // hardly any other limit has this tick
    }
  }

  const std::string strategy_;
  const rc::Gen<Case> any_case_;
  rc::Random random_;
};

}  // namespace

Differential::Differential(absl::string_view strategy, Backend& backend, EventLoop& loop)
    : strategy_(strategy), backend_(backend), loop_(loop) {}

void Differential::Run(int64_t steps, uint64_t seed) {
  AnyHistory any(strategy_, seed);
  const int64_t goal = steps_ + steps;
  Histories running;
  while (steps_ < goal || !running.empty()) {
    Histories next;
    int64_t told = steps_;
    // The next are drawn, and the last ones judged, while Redis works on these.
    Flag all_done;
    size_t left = running.size();
    loop_.Post([&] {
      if (left == 0) return all_done.Set();
      for (const auto& history : running) {
        history->Start(backend_, [&] {
          if (--left == 0) all_done.Set();
        });
      }
    });
    while (told < goal && next.size() < kAtOnce) {
      next.push_back(any.Next());
      told += next.back()->steps();
    }
    steps_ = told;
    if (!all_done.Wait()) GiveUp("the backend does not answer");
    Judge(running);
    running = std::move(next);
  }
}

void Differential::Judge(const Histories& histories) {
  for (const auto& history : histories) {
    history->Judge([&](const std::string& what) {
      if (differences_++ == 0) first_ = absl::StrCat(what, "\n", history->ToString());
    });
  }
}

uint64_t FreshSeed() {
  const char* text = std::getenv("SLUICE_DIFFERENTIAL_SEED");
  uint64_t seed = 0;
  if (text != nullptr && absl::SimpleAtoi(text, &seed)) return seed;
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

}  // namespace sluice
