#include "tests/unit/strategy/replay.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sluice {
namespace {

// A clock's readings: some 140 years, to a whole tick.
constexpr int64_t kLatestUs = kMaxAmount - kMaxAmount % kSecondUs;

int64_t Advanced(const Event& event, int64_t now_us, int64_t last_wait_us) {
  int64_t by_us = event.by_us;
  if (event.advance != Event::Advance::kBy && last_wait_us > 0 && last_wait_us < kLatestUs) {
    by_us = event.advance == Event::Advance::kByLastWait ? last_wait_us : last_wait_us - 1;
  }
  return std::clamp<int64_t>(now_us + by_us, 0, kLatestUs);
}

}  // namespace

Judge JudgeOf(const Limit& limit) {
  return {
      [limit](const Counter& counter, int64_t now_us, int64_t cost, bool take,
              const std::string& label) {
        return limit.Step(counter.State(), now_us, cost, take, limit.TagOf(label));
      },
      [limit](const Counter& counter, int64_t now_us, int64_t amount, const std::string& label) {
        return limit.Settle(counter.State(), now_us, amount, limit.TagOf(label));
      },
      [limit](const std::string& label) { return std::string(limit.SplitOf(limit.TagOf(label))); }};
}

std::vector<Moment> Replay(const Judge& judge, const Case& one) {
  struct Kept {
    Counter counter;
    int64_t last_us = 0;
  };
  // A counter that was used before was so at the start.
  const bool used = one.found.registers != Registers{};
  const Kept found{one.found, used ? one.start_us - one.start_us % one.spec.tick_us : 0};
  std::vector<Moment> moments;
  std::map<std::string, Kept> counters;
  int64_t now_us = one.start_us;
  int64_t wait_us = 0;
  for (size_t i = 0; i < one.events.size(); ++i) {
    const Event& event = one.events[i];
    now_us = Advanced(event, now_us, wait_us);
    std::string split = judge.split(event.label);
    Kept& kept = counters.try_emplace(split, found).first->second;
    const Verdict verdict =
        event.kind == Kind::kSettle
            ? judge.settle(kept.counter, now_us, event.amount, event.label)
            : judge.step(kept.counter, now_us, event.amount, event.kind == Kind::kHit, event.label);
    Counter before = kept.counter;
    kept.counter.Apply(verdict);
    moments.push_back({i, event, std::move(split), now_us, kept.last_us, std::move(before), verdict,
                       kept.counter});
    wait_us = verdict.wait_us;
    if (verdict.changes) {
      kept.last_us = std::max(kept.last_us, now_us - now_us % one.spec.tick_us);
    }
  }
  return moments;
}

std::string Tell(const Verdict& verdict) {
  return absl::StrCat(verdict.allowed ? "allowed" : "denied", " remaining ", verdict.remaining,
                      " wait ", verdict.wait_us, " reset ", verdict.reset_us, " registers ",
                      absl::StrJoin(verdict.registers, ","));
}

bool SameAnswer(const Verdict& a, const Verdict& b) {
  return a.allowed == b.allowed && a.remaining == b.remaining && a.wait_us == b.wait_us &&
         a.reset_us == b.reset_us;
}

}  // namespace sluice
