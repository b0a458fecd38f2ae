#include "tests/unit/strategy/laws.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/strategy/reference/log.h"
#include "tests/unit/strategy/reference/reference.h"

namespace sluice {
namespace {

int64_t Clipped(Int us) { return static_cast<int64_t>(std::min<Int>(us, kFarOffUs)); }

template <class... Text>
std::string Breach(const Moment& moment, const Text&... text) {
  return absl::StrCat("event ", moment.index, " at ", moment.now_us, " (", Tell(moment.verdict),
                      "): ", text...);
}

std::string CheckTellsTheTruth(const Judge& judge, const Case& one) {
  for (const Moment& moment : Replay(judge, one)) {
    const Event& event = moment.event;
    if (event.kind == Kind::kSettle) continue;
    const Verdict look = judge.step(moment.before, moment.now_us, event.amount, false, event.label);
    const Verdict hit = judge.step(moment.before, moment.now_us, event.amount, true, event.label);
    if (look.taken || look.changes) return Breach(moment, "a look was taken");
    if (hit.taken != hit.allowed) return Breach(moment, "taken or not, against its own word");
    if (look.allowed != hit.allowed || look.wait_us != hit.wait_us) {
      return Breach(moment, "a look says ", Tell(look), ", a hit ", Tell(hit));
    }
    // A denial that counts leaves less behind than a look at it finds.
    if (!hit.allowed && !one.spec.count_denied && !SameAnswer(look, hit)) {
      return Breach(moment, "a denied hit tells ", Tell(hit), ", a look ", Tell(look));
    }
  }
  return "";
}

// The history without its denied hits and its looks must go on in the same way. With count_denied
// the law is off, and what a denial leaves is the model's to say.
std::string DenialCostsNothing(const Judge& judge, const Case& one) {
  std::map<std::string, Counter> counters;
  for (const Moment& moment : Replay(judge, one)) {
    const Event& event = moment.event;
    Counter& counter = counters.try_emplace(moment.split, one.found).first->second;
    if (event.kind == Kind::kSettle) {
      counter.Apply(judge.settle(counter, moment.now_us, event.amount, event.label));
      continue;
    }
    const Verdict verdict = judge.step(counter, moment.now_us, event.amount, true, event.label);
    if (event.kind != Kind::kHit) continue;
    if (!SameAnswer(verdict, moment.verdict)) {
      return Breach(moment, "without the denials before it: ", Tell(verdict));
    }
    if (verdict.allowed) counter.Apply(verdict);
  }
  return "";
}

std::string WaitIsTight(const Judge& judge, const Case& one) {
  for (const Moment& moment : Replay(judge, one)) {
    const Event& event = moment.event;
    const Verdict& denied = moment.verdict;
    if (event.kind == Kind::kSettle) continue;
    if (denied.allowed) {
      if (denied.wait_us != 0) return Breach(moment, "allowed, and yet to wait");
      continue;
    }
    // A look tells the wait as it would be after the hit.
    Counter counter = moment.before;
    counter.Apply(judge.step(counter, moment.now_us, event.amount, true, event.label));
    const auto passes_after = [&](int64_t wait_us) {
      return judge.step(counter, moment.now_us + wait_us, event.amount, false, event.label).allowed;
    };
    if (denied.wait_us == kFarOffUs) continue;
    if (denied.wait_us != kNever) {
      if (denied.wait_us <= 0) return Breach(moment, "denied without a wait");
      if (!passes_after(denied.wait_us)) return Breach(moment, "does not pass after the wait");
      if (passes_after(denied.wait_us - 1)) return Breach(moment, "passes before the wait is over");
      continue;
    }
    for (const int64_t wait_us : {int64_t{0}, one.spec.period_us, 10 * one.spec.period_us,
                                  denied.reset_us, int64_t{1} << 61}) {
      if (passes_after(wait_us)) return Breach(moment, "never became ", wait_us, " us");
    }
  }
  return "";
}

std::string RemainingIsTrue(const Judge& judge, const Case& one) {
  for (const Moment& moment : Replay(judge, one)) {
    const int64_t remaining = moment.verdict.remaining;
    const auto passes = [&](int64_t cost) {
      return judge.step(moment.after, moment.now_us, cost, false, moment.event.label).allowed;
    };
    if (remaining < 0) return Breach(moment, "less than nothing remains");
    if (remaining > 0 && !passes(remaining)) return Breach(moment, "what remains does not pass");
    if (passes(remaining + 1)) return Breach(moment, "more than what remains passes");
  }
  return "";
}

// Behind its last hit a counter answers as at the instant of that hit, and the wait (and the reset)
// are longer by the gap.
std::string TimeNeverRunsBack(const Judge& judge, const Case& one) {
  for (const Moment& moment : Replay(judge, one)) {
    const Event& event = moment.event;
    const int64_t gap_us = moment.last_us - moment.now_us;
    if (gap_us <= 0 || event.kind == Kind::kSettle) continue;
    const Verdict then =
        judge.step(moment.before, moment.last_us, event.amount, false, event.label);
    const Verdict now = judge.step(moment.before, moment.now_us, event.amount, false, event.label);
    const auto later = [gap_us](int64_t us) {
      return us == 0 || us == kNever ? us : std::min(us + gap_us, kFarOffUs);
    };
    Verdict expected = then;
    expected.wait_us = later(then.wait_us);
    expected.reset_us = later(then.reset_us);
    if (!SameAnswer(now, expected)) {
      return Breach(moment, "at the last hit's instant ", Tell(then), ", ", gap_us,
                    " us behind it ", Tell(now));
    }
  }
  return "";
}

// Speaks of admitted hits only, so settlements are left out of the history.
std::string IsBounded(const Judge& judge, const Case& one) {
  Case hits_only = one;
  std::erase_if(hits_only.events, [](const Event& event) { return event.kind == Kind::kSettle; });
  struct Admitted {
    int64_t at_us;
    int64_t cost;
  };
  std::map<std::string, std::vector<Admitted>> admitted_by;
  for (const Moment& moment : Replay(judge, hits_only)) {
    const std::string& label = moment.event.label;
    if (moment.event.kind != Kind::kHit || !moment.verdict.allowed) continue;
    const int64_t tick_us = moment.now_us - moment.now_us % one.spec.tick_us;
    std::vector<Admitted>& admitted = admitted_by[CounterOf(one.spec, label)];
    admitted.push_back({std::max(moment.last_us, tick_us), moment.event.amount});
    Int sum = 0;
    for (size_t i = admitted.size(); i-- > 0;) {
      sum += admitted[i].cost;
      if (BoundOf(one.spec, label, admitted[i].at_us, admitted.back().at_us) < Fraction(sum)) {
        return Breach(moment, Clipped(sum), " hits in ", admitted.back().at_us - admitted[i].at_us,
                      " us");
      }
    }
  }
  return "";
}

// What the model tells of an event that it takes.
Verdict Apply(Model& model, const Event& event, const Ask& ask, int64_t now_us) {
  const bool settles = event.kind == Kind::kSettle;
  const Ask nothing = {0, ask.priority};
  Verdict verdict;
  verdict.allowed = settles ? model.Fits(now_us, ask) : model.Passes(now_us, ask);
  absl::optional<Int> wait_us;
  if (settles) {
    model.Settle(now_us, ask);
    // A debit asks whether it fitted; a refund, whether the counter is within its limit again. The
    // wait is until it is, and a limit of 0 is never kept.
    if (event.amount <= 0) verdict.allowed = model.Fits(now_us, nothing);
    if (model.Largest() > 0) wait_us = model.UntilItPasses(now_us, nothing);
  } else {
    wait_us = WaitOf(model, now_us, ask);
    if (event.kind == Kind::kHit && verdict.allowed) model.Take(now_us, ask);
    if (event.kind == Kind::kHit && !verdict.allowed) model.Deny(now_us, ask);
  }
  verdict.remaining = Clipped(RemainingOf(model, now_us, ask.priority));
  verdict.wait_us = verdict.allowed ? 0 : wait_us.has_value() ? Clipped(*wait_us) : kNever;
  verdict.reset_us = Clipped(ResetOf(model, now_us));
  return verdict;
}

std::string AgreesWithTheModel(const Judge& judge, const Case& one) {
  std::map<std::string, std::unique_ptr<Model>> models;
  for (const Moment& moment : Replay(judge, one)) {
    const Event& event = moment.event;
    std::unique_ptr<Model>& model = models[CounterOf(one.spec, event.label)];
    if (model == nullptr) model = NewModel(one.spec, event.label);
    if (model == nullptr) return absl::StrCat("there is no model of ", one.spec.strategy);
    const Ask ask = {event.amount, PriorityOf(one.spec, event.label)};
    const Verdict expected = Apply(*model, event, ask, moment.now_us);
    if (!SameAnswer(moment.verdict, expected)) {
      return Breach(moment, "the model says ", Tell(expected));
    }
  }
  return "";
}

// Settles until it changes nothing any more.
Counter SettledWholly(const Judge& judge, const Moment& moment, int64_t amount) {
  constexpr int kAtMost = 8;
  Counter counter = moment.after;
  for (int i = 0; i < kAtMost; ++i) {
    counter.Apply(judge.settle(counter, moment.now_us, amount, moment.event.label));
  }
  return counter;
}

// Never above full, and debt of at most one further largest amount.
std::string SettlingStaysWithinItsBounds(const Judge& judge, const Case& one) {
  for (const Moment& moment : Replay(judge, one)) {
    if (moment.event.kind != Kind::kSettle) continue;
    if (!moment.verdict.changes) return Breach(moment, "a settlement was not stored");
    const auto answer = [&](const Counter& counter) {
      return judge.step(counter, moment.now_us, 1, false, moment.event.label);
    };
    const Counter full = SettledWholly(judge, moment, -kMaxAmount);
    // Settling does not give back a limit that adapted to the load.
    if (one.spec.strategy != "adaptive_throttle") {
      const int64_t key_time_us = std::max(moment.now_us, moment.last_us);
      const Verdict fresh = judge.step({}, key_time_us, 1, false, moment.event.label);
      const Verdict refunded = answer(full);
      if (refunded.reset_us != 0 || refunded.remaining != fresh.remaining) {
        return Breach(moment, "refunded wholly: ", Tell(refunded), ", never used: ", Tell(fresh));
      }
    }
    const Counter indebted = SettledWholly(judge, moment, kMaxAmount);
    if (answer(indebted).remaining != 0) return Breach(moment, "in debt, and yet some remains");
    Counter deeper = indebted;
    deeper.Apply(judge.settle(deeper, moment.now_us, kMaxAmount, moment.event.label));
    if (!SameAnswer(answer(deeper), answer(indebted)) || !(deeper.log == indebted.log)) {
      return Breach(moment, "deeper debt: ", Tell(answer(deeper)));
    }
  }
  return "";
}

// What is stored is worth storing: no entry without a cost, none out of its time, and no more of
// them than the limit allows.
std::string LogIsInOrder(const Judge& judge, const Case& one) {
  for (const Moment& moment : Replay(judge, one)) {
    std::vector<LogEntry> entries;
    moment.after.log.FromOldest([&](const LogEntry& entry) {
      entries.push_back(entry);
      return true;
    });
    for (size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].cost < 1) return Breach(moment, "entry ", i, " costs ", entries[i].cost);
      if (i > 0 && entries[i].at < entries[i - 1].at) {
        return Breach(moment, "entry ", i, " is older than the one before it");
      }
    }
    if (one.spec.max_entries > 0 && entries.size() > static_cast<size_t>(one.spec.max_entries)) {
      return Breach(moment, entries.size(), " entries");
    }
  }
  return "";
}

bool Always(const Spec&) { return true; }
bool WhereDenialsDoNotCount(const Spec& spec) { return !spec.count_denied; }
bool WhereALogIsKept(const Spec& spec) {
  return spec.strategy == "sliding_window_log" || spec.strategy == "priority_queue" ||
         spec.strategy == "leaky_bucket_with_queue";
}

constexpr Law kLaws[] = {
    {"CheckTellsTheTruth", &CheckTellsTheTruth, &Always, true},
    {"DenialCostsNothing", &DenialCostsNothing, &WhereDenialsDoNotCount, true},
    {"WaitIsTight", &WaitIsTight, &Always, true},
    {"RemainingIsTrue", &RemainingIsTrue, &Always, true},
    {"TimeNeverRunsBack", &TimeNeverRunsBack, &Always, true},
    {"IsBounded", &IsBounded, &Always, false},
    {"AgreesWithTheModel", &AgreesWithTheModel, &Always, false},
    {"SettlingStaysWithinItsBounds", &SettlingStaysWithinItsBounds, &Always, true},
    {"LogIsInOrder", &LogIsInOrder, &WhereALogIsKept, false},
};

}  // namespace

absl::Span<const Law> Laws() { return kLaws; }

}  // namespace sluice
