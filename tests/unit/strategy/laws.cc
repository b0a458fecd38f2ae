#include "tests/unit/strategy/laws.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/unit/strategy/reference.h"

namespace sluice {
namespace {

// A clock's readings: some 140 years.
constexpr int64_t kLatestUs = kMaxAmount;

// One event, with what was there before it.
struct Moment {
  size_t index;
  Event event;
  Registers before;
  int64_t now_us;
  // The instant of the last admitted hit or settlement, in whole ticks; 0 for none.
  int64_t last_us;
  Verdict verdict;
  Registers after;
};

int64_t Advanced(const Event& event, int64_t now_us, int64_t last_wait_us) {
  int64_t by_us = event.by_us;
  if (event.advance != Event::Advance::kBy && last_wait_us > 0 && last_wait_us < kLatestUs) {
    by_us = event.advance == Event::Advance::kByLastWait ? last_wait_us : last_wait_us - 1;
  }
  return std::clamp<int64_t>(now_us + by_us, 0, kLatestUs);
}

std::vector<Moment> Replay(const Judge& judge, const Case& one) {
  std::vector<Moment> moments;
  Registers cell = one.cell;
  int64_t now_us = one.start_us;
  int64_t wait_us = 0;
  int64_t last_us = 0;
  for (size_t i = 0; i < one.events.size(); ++i) {
    const Event& event = one.events[i];
    now_us = Advanced(event, now_us, wait_us);
    const Verdict verdict = event.kind == Kind::kSettle
                                ? judge.settle(cell, now_us, event.amount)
                                : judge.step(cell, now_us, event.amount, event.kind == Kind::kHit);
    const Registers after = verdict.taken ? verdict.registers : cell;
    moments.push_back({i, event, cell, now_us, last_us, verdict, after});
    cell = after;
    wait_us = verdict.wait_us;
    if (verdict.taken) last_us = std::max(last_us, now_us - now_us % one.spec.tick_us);
  }
  return moments;
}

int64_t Clipped(Int us) { return static_cast<int64_t>(std::min<Int>(us, kFarOffUs)); }

std::string Tell(const Verdict& verdict) {
  return absl::StrCat(verdict.allowed ? "allowed" : "denied", " remaining ", verdict.remaining,
                      " wait ", verdict.wait_us, " reset ", verdict.reset_us, " cell ",
                      absl::StrJoin(verdict.registers, ","));
}

template <class... Text>
std::string Breach(const Moment& moment, const Text&... text) {
  return absl::StrCat("event ", moment.index, " at ", moment.now_us, " (", Tell(moment.verdict),
                      "): ", text...);
}

bool SameAnswer(const Verdict& a, const Verdict& b) {
  return a.allowed == b.allowed && a.remaining == b.remaining && a.wait_us == b.wait_us &&
         a.reset_us == b.reset_us;
}

std::string CheckTellsTheTruth(const Judge& judge, const Case& one) {
  for (const Moment& moment : Replay(judge, one)) {
    if (moment.event.kind == Kind::kSettle) continue;
    const Verdict look = judge.step(moment.before, moment.now_us, moment.event.amount, false);
    const Verdict hit = judge.step(moment.before, moment.now_us, moment.event.amount, true);
    if (look.taken) return Breach(moment, "a look was taken");
    if (look.allowed != hit.allowed || look.wait_us != hit.wait_us) {
      return Breach(moment, "a look says ", Tell(look), ", a hit ", Tell(hit));
    }
    if (!hit.allowed && !SameAnswer(look, hit)) {
      return Breach(moment, "a denied hit tells ", Tell(hit), ", a look ", Tell(look));
    }
  }
  return "";
}

// The history without its denied hits and its looks must go on in the same way.
std::string DenialCostsNothing(const Judge& judge, const Case& one) {
  Registers cell = one.cell;
  for (const Moment& moment : Replay(judge, one)) {
    if (moment.event.kind == Kind::kSettle) {
      cell = judge.settle(cell, moment.now_us, moment.event.amount).registers;
      continue;
    }
    const Verdict verdict = judge.step(cell, moment.now_us, moment.event.amount, true);
    if (moment.event.kind == Kind::kHit && !SameAnswer(verdict, moment.verdict)) {
      return Breach(moment, "without the denials before it: ", Tell(verdict));
    }
    if (moment.event.kind == Kind::kHit && verdict.allowed) cell = verdict.registers;
  }
  return "";
}

std::string WaitIsTight(const Judge& judge, const Case& one) {
  for (const Moment& moment : Replay(judge, one)) {
    const Verdict& denied = moment.verdict;
    if (moment.event.kind == Kind::kSettle) continue;
    if (denied.allowed) {
      if (denied.wait_us != 0) return Breach(moment, "allowed, and yet to wait");
      continue;
    }
    const auto passes_after = [&](int64_t wait_us) {
      return judge.step(moment.after, moment.now_us + wait_us, moment.event.amount, false).allowed;
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
      return judge.step(moment.after, moment.now_us, cost, false).allowed;
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
    const int64_t gap_us = moment.last_us - moment.now_us;
    if (gap_us <= 0 || moment.event.kind == Kind::kSettle) continue;
    const Verdict then = judge.step(moment.before, moment.last_us, moment.event.amount, false);
    const Verdict now = judge.step(moment.before, moment.now_us, moment.event.amount, false);
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
  std::vector<Admitted> admitted;
  for (const Moment& moment : Replay(judge, hits_only)) {
    if (moment.event.kind != Kind::kHit || !moment.verdict.allowed) continue;
    const int64_t tick_us = moment.now_us - moment.now_us % one.spec.tick_us;
    admitted.push_back({std::max(moment.last_us, tick_us), moment.event.amount});
    Int sum = 0;
    for (size_t i = admitted.size(); i-- > 0;) {
      sum += admitted[i].cost;
      const int64_t span_us = admitted.back().at_us - admitted[i].at_us;
      if (BoundOf(one.spec, span_us) < Fraction(sum)) {
        return Breach(moment, Clipped(sum), " hits in ", span_us, " us");
      }
    }
  }
  return "";
}

// What the model tells of an event that it takes.
Verdict Apply(Model& model, const Spec& spec, const Event& event, int64_t now_us) {
  const bool settles = event.kind == Kind::kSettle;
  Verdict verdict;
  verdict.allowed = model.Passes(now_us, event.amount);
  absl::optional<Int> wait_us;
  if (settles) {
    model.Settle(now_us, event.amount);
    // A debit asks whether it fitted; a refund, whether the counter is within its limit again. The
    // wait is until it is, and a limit of 0 is never kept.
    if (event.amount <= 0) verdict.allowed = model.Passes(now_us, 0);
    if (spec.limit > 0) wait_us = WaitOf(model, now_us, 0);
  } else {
    wait_us = WaitOf(model, now_us, event.amount);
    if (event.kind == Kind::kHit && verdict.allowed) model.Take(now_us, event.amount);
  }
  verdict.remaining = Clipped(RemainingOf(model, now_us));
  verdict.wait_us = verdict.allowed ? 0 : wait_us.has_value() ? Clipped(*wait_us) : kNever;
  verdict.reset_us = Clipped(ResetOf(model, now_us));
  return verdict;
}

std::string AgreesWithTheModel(const Judge& judge, const Case& one) {
  const std::unique_ptr<Model> model = NewModel(one.spec);
  if (model == nullptr) return absl::StrCat("there is no model of ", one.spec.strategy);
  for (const Moment& moment : Replay(judge, one)) {
    const Verdict expected = Apply(*model, one.spec, moment.event, moment.now_us);
    if (!SameAnswer(moment.verdict, expected)) {
      return Breach(moment, "the model says ", Tell(expected));
    }
  }
  return "";
}

// Never above full, and debt of at most one further largest amount.
std::string SettlingStaysWithinItsBounds(const Judge& judge, const Case& one) {
  for (const Moment& moment : Replay(judge, one)) {
    if (moment.event.kind != Kind::kSettle) continue;
    if (!moment.verdict.taken) return Breach(moment, "a settlement was not taken");
    const auto settled_twice = [&](const Registers& cell, int64_t amount) {
      const Verdict once = judge.settle(cell, moment.now_us, amount);
      return judge.settle(once.registers, moment.now_us, amount);
    };
    const Verdict full = settled_twice(moment.after, -kMaxAmount);
    const Verdict fresh = judge.step({}, moment.now_us, 1, false);
    if (full.reset_us != 0 || full.remaining != fresh.remaining) {
      return Breach(moment, "refunded wholly: ", Tell(full), ", never used: ", Tell(fresh));
    }
    const Verdict fuller = judge.settle(full.registers, moment.now_us, -kMaxAmount);
    if (!SameAnswer(fuller, full)) return Breach(moment, "above full: ", Tell(fuller));
    const Verdict indebted = settled_twice(moment.after, kMaxAmount);
    const Verdict deeper = judge.settle(indebted.registers, moment.now_us, kMaxAmount);
    if (!SameAnswer(deeper, indebted)) return Breach(moment, "deeper debt: ", Tell(deeper));
    if (indebted.remaining != 0) return Breach(moment, "in debt, and yet some remains");
  }
  return "";
}

constexpr Law kLaws[] = {
    {"CheckTellsTheTruth", &CheckTellsTheTruth, true},
    {"DenialCostsNothing", &DenialCostsNothing, true},
    {"WaitIsTight", &WaitIsTight, true},
    {"RemainingIsTrue", &RemainingIsTrue, true},
    {"TimeNeverRunsBack", &TimeNeverRunsBack, true},
    {"IsBounded", &IsBounded, false},
    {"AgreesWithTheModel", &AgreesWithTheModel, false},
    {"SettlingStaysWithinItsBounds", &SettlingStaysWithinItsBounds, true},
};

}  // namespace

Judge JudgeOf(const Limit& limit) {
  return {[limit](const Registers& cell, int64_t now_us, int64_t cost, bool take) {
            return limit.Step({cell}, now_us, cost, take);
          },
          [limit](const Registers& cell, int64_t now_us, int64_t amount) {
            return limit.Settle({cell}, now_us, amount);
          }};
}

absl::Span<const Law> Laws() { return kLaws; }

}  // namespace sluice
