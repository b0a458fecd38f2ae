#include "tests/integration/chaos/load.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/fakes/redis/patience.h"

namespace sluice {
namespace {

struct Kind {
  const char* name;
  std::vector<absl::string_view> throttles;
  ThrottleRequest::Verb verb;
};

const Kind& KindOf(int64_t number, bool checks_only) {
  using Verb = ThrottleRequest::Verb;
  static const auto& tight = *new Kind{"tight", {"tight"}, Verb::kHit};
  static const auto& wide = *new Kind{"wide", {"wide"}, Verb::kHit};
  static const auto& bucket = *new Kind{"bucket", {"bucket"}, Verb::kHit};
  static const auto& pair = *new Kind{"pair", {"wide", "other"}, Verb::kHit};
  static const auto& check = *new Kind{"check", {"tight"}, Verb::kCheck};
  static const Kind* const turns[] = {&tight, &wide, &bucket, &pair,
                                      &tight, &wide, &bucket, &check};
  return checks_only ? check : *turns[number % 8];
}

}  // namespace

class Load::Asked final : public ThrottleCall {
 public:
  void Finish(absl::Status status) override {
    if (times_.load() == 0) {
      seen_.ended_us = SteadyUs();
      if (status.ok()) Judge();
    }
    times_.fetch_add(1);
  }

  // Once it is answered.
  Seen seen() const {
    Seen told = seen_;
    told.times = times_.load();
    return told;
  }
  bool answered() const { return times_.load() > 0; }

  Seen& about() { return seen_; }
  std::string name;

 private:
  void Judge() {
    seen_.allowed = allowed();
    const Line& first = lines().front();
    if (!first.judged) {
      seen_.by = Seen::By::kOnError;
    } else {
      seen_.by = first.fell_back ? Seen::By::kSpare : Seen::By::kRedis;
    }
    for (const Line& line : lines()) {
      seen_.torn = seen_.torn || line.verdict.taken != first.verdict.taken;
    }
  }

  Seen seen_;
  std::atomic<int64_t> times_{0};
};

Load::Load(std::vector<Node*> nodes, int per_second, bool checks_only)
    : nodes_(std::move(nodes)), per_second_(per_second), checks_only_(checks_only) {
  calls_.resize(nodes_.size());
  for (size_t i = 0; i < nodes_.size(); ++i) threads_.emplace_back([this, i] { Run(i); });
}

Load::~Load() {
  stopping_ = true;
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

std::string Load::WhoOf(absl::string_view kind, int who) {
  return absl::StrCat(kind == "check" ? "tight" : kind, who);
}

std::unique_ptr<Load::Asked> Load::Next(size_t node, int64_t number) {
  const Kind& kind = KindOf(number, checks_only_);
  auto call = std::make_unique<Asked>();
  call->about().kind = kind.name;
  call->about().who = static_cast<int>(number / 8 % kWho);
  call->about().node = node;
  call->name = WhoOf(kind.name, call->about().who);
  call->identifier = call->name;
  call->verb = kind.verb;
  call->throttles.assign(kind.throttles.begin(), kind.throttles.end());
  return call;
}

void Load::Run(size_t node) {
  const int64_t start_us = SteadyUs();
  for (int64_t number = 0; !stopping_; ++number) {
    const int64_t due_us = start_us + number * 1'000'000 / per_second_;
    const int64_t early_us = due_us - SteadyUs();
    if (early_us > 0) SleepUs(early_us);
    calls_[node].push_back(Next(node, number));
    Asked& call = *calls_[node].back();
    call.about().began_us = SteadyUs();
    call.now_us = nodes_[node]->clock().Now();
    call.deadline_us = call.now_us + 1'000'000;
    nodes_[node]->limiter().Decide(call);
  }
}

std::vector<Seen> Load::Stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  std::vector<Seen> all;
  for (Calls& calls : calls_) {
    const bool complete = WaitUntil(
        [&] {
          return std::all_of(calls.begin(), calls.end(),
                             [](const auto& call) { return call->answered(); });
        },
        5'000'000);
    if (!complete) GiveUp("a decision was not answered within 5 s");
    for (const auto& call : calls) all.push_back(call->seen());
    calls.clear();
  }
  std::sort(all.begin(), all.end(),
            [](const Seen& a, const Seen& b) { return a.began_us < b.began_us; });
  return all;
}

}  // namespace sluice
