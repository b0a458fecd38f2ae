// What every backend must do when it is to forget (backend/backend.h). It knows no backend by name.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/rate.h"
#include "tests/conformance/backends.h"
#include "tests/conformance/counters.h"
#include "tests/fakes/awaited_decision.h"
#include "tests/fakes/awaited_forgetting.h"
#include "tests/fakes/required_params.h"

namespace sluice {
namespace {

// Under every strategy, so that there is one wherever a backend keeps counters.
std::vector<Limit> EveryLimit() {
  std::vector<Limit> limits;
  for (const absl::string_view strategy : StrategyNames()) {
    const bool spaces_out = strategy == "gcra";
    limits.push_back(LimitOf(strategy, "10/day",
                             spaces_out ? Params{{"burst", "10"}} : RequiredParams(strategy)));
  }
  return limits;
}

class BackendForget : public testing::TestWithParam<BackendFactory> {
 protected:
  Verdict Decide(const CounterKey& key, const Limit& limit, int64_t amount, Mode mode) {
    AwaitedDecision decision({{key, limit, amount, mode, limit.TagOf("")}}, now_us_);
    backend_->Decide(decision);
    EXPECT_EQ(decision.Wait(), absl::OkStatus());
    return decision.verdicts_told()[0];
  }
  Verdict Take(const CounterKey& key, const Limit& limit, int64_t amount) {
    return Decide(key, limit, amount, Mode::kTake);
  }
  Verdict Look(const CounterKey& key, const Limit& limit) {
    return Decide(key, limit, 1, Mode::kLook);
  }

  // How many counters are gone. `What` is keys or a scope.
  template <class What>
  int64_t Forget(What what) {
    AwaitedForgetting forgetting(std::move(what), now_us_);
    backend_->Forget(forgetting);
    EXPECT_EQ(forgetting.Wait(), absl::OkStatus());
    EXPECT_EQ(forgetting.times_done(), 1);
    return forgetting.forgotten;
  }
  int64_t Forget(const CounterKey& key) { return Forget(std::vector<CounterKey>{key}); }

  // Takes from a counter of every limit for each of two users.
  void Fill(absl::string_view throttle, absl::string_view tenant) {
    for (const Limit& limit : limits_) {
      for (const char* user : {"a", "b"}) {
        EXPECT_TRUE(Take(KeyOf(user, limit, throttle, tenant), limit, 1).taken) << limit.shape();
      }
    }
  }
  // How many of these are in use. Each that is not is as if never used.
  int64_t InUse(absl::string_view throttle, absl::string_view tenant) {
    int64_t in_use = 0;
    for (const Limit& limit : limits_) {
      for (const char* user : {"a", "b"}) {
        const Verdict told = Look(KeyOf(user, limit, throttle, tenant), limit);
        if (told.reset_us > 0) {
          ++in_use;
          continue;
        }
        const Verdict never = Look(KeyOf("never", limit, throttle, tenant), limit);
        EXPECT_EQ(told.remaining, never.remaining) << limit.shape();
        EXPECT_EQ(told.registers, never.registers) << limit.shape();
      }
    }
    return in_use;
  }
  int64_t All() const { return 2 * static_cast<int64_t>(limits_.size()); }

  const std::vector<Limit> limits_ = EveryLimit();
  const Limit ten_ = LimitOf("fixed_window", "10/day");
  const CounterKey a_ = KeyOf("a", ten_);
  const CounterKey b_ = KeyOf("b", ten_);
  int64_t now_us_ = kStartUs;
  std::unique_ptr<Backend> backend_ = GetParam().make();
};

INSTANTIATE_TEST_SUITE_P(Every, BackendForget, testing::ValuesIn(Backends()),
                         [](const auto& each) { return each.param.name; });

TEST_P(BackendForget, AForgottenKeyIsAsIfNeverUsed) {
  for (const Limit& limit : limits_) {
    const CounterKey key = KeyOf("a", limit);
    const CounterKey other = KeyOf("b", limit);
    const Verdict first = Take(key, limit, 3);
    ASSERT_TRUE(first.taken) << limit.shape();
    Take(other, limit, 3);
    const Verdict kept = Look(other, limit);
    now_us_ += kSecondUs;
    Take(key, limit, 2);
    now_us_ -= kSecondUs;

    EXPECT_EQ(Forget(key), 1) << limit.shape();
    EXPECT_EQ(Look(key, limit).reset_us, 0) << limit.shape();
    const Verdict again = Take(key, limit, 3);
    EXPECT_EQ(again.remaining, first.remaining) << limit.shape();
    EXPECT_EQ(again.registers, first.registers) << limit.shape();
    EXPECT_EQ(again.reset_us, first.reset_us) << limit.shape();
    EXPECT_EQ(Look(other, limit).remaining, kept.remaining) << limit.shape();
    EXPECT_EQ(Look(other, limit).registers, kept.registers) << limit.shape();
  }
}

TEST_P(BackendForget, LetsInAgainWhoWasDenied) {
  for (const Limit& limit : limits_) {
    const CounterKey key = KeyOf("a", limit);
    while (Take(key, limit, 1).taken) {
    }
    EXPECT_EQ(Forget(key), 1) << limit.shape();
    EXPECT_TRUE(Take(key, limit, 1).taken) << limit.shape();
  }
}

TEST_P(BackendForget, CountsWhatExistedOnce) {
  Take(a_, ten_, 1);
  Take(b_, ten_, 1);
  const CounterKey never = KeyOf("never", ten_);
  EXPECT_EQ(Forget(std::vector<CounterKey>{a_, never, b_, a_, a_}), 2);
  EXPECT_EQ(Forget(std::vector<CounterKey>{a_, never, b_, a_, a_}), 0);
  EXPECT_EQ(Forget(std::vector<CounterKey>{}), 0);
  EXPECT_EQ(GetParam().keys(*backend_), 0);
}

TEST_P(BackendForget, DoesNotCountWhatIsAbsentByItself) {
  const Limit limit = LimitOf("token_bucket", "10/s");
  const CounterKey key = KeyOf("a", limit);
  const int64_t absent_us = now_us_ + Take(key, limit, 4).reset_us;
  now_us_ = absent_us - 1;
  EXPECT_EQ(Forget(key), 1);
  now_us_ = kStartUs;
  Take(key, limit, 4);
  now_us_ = absent_us;
  EXPECT_EQ(Forget(key), 0);
  now_us_ = kStartUs;
  Take(key, limit, 4);
  now_us_ = absent_us;
  EXPECT_EQ(Forget(ScopeOf("throttle")), 0);
}

TEST_P(BackendForget, DoesNotCountWhatIsRefundedInFull) {
  const Limit limit = LimitOf("token_bucket", "10/day");
  const CounterKey key = KeyOf("a", limit);
  Take(key, limit, 4);
  Decide(key, limit, -4, Mode::kSettle);
  EXPECT_EQ(Forget(key), 0);
}

TEST_P(BackendForget, ForgetsAThrottle) {
  Fill("search", "");
  Fill("search", "acme");
  Fill("upload", "acme");
  EXPECT_EQ(Forget(ScopeOf("search")), 2 * All());
  EXPECT_EQ(InUse("search", ""), 0);
  EXPECT_EQ(InUse("search", "acme"), 0);
  EXPECT_EQ(InUse("upload", "acme"), All());
  EXPECT_EQ(Forget(ScopeOf("search")), 0);
}

TEST_P(BackendForget, ForgetsATenant) {
  Fill("search", "acme");
  Fill("upload", "acme");
  Fill("search", "umbrella");
  Fill("search", "");
  EXPECT_EQ(Forget(ScopeOf(absl::nullopt, "acme")), 2 * All());
  EXPECT_EQ(InUse("search", "acme"), 0);
  EXPECT_EQ(InUse("upload", "acme"), 0);
  EXPECT_EQ(InUse("search", "umbrella"), All());
  EXPECT_EQ(InUse("search", ""), All());
}

TEST_P(BackendForget, ForgetsAThrottleWithinATenant) {
  Fill("search", "acme");
  Fill("upload", "acme");
  Fill("search", "umbrella");
  EXPECT_EQ(Forget(ScopeOf("search", "acme")), All());
  EXPECT_EQ(InUse("search", "acme"), 0);
  EXPECT_EQ(InUse("upload", "acme"), All());
  EXPECT_EQ(InUse("search", "umbrella"), All());
}

TEST_P(BackendForget, TheEmptyTenantIsTheDefaultOne) {
  Fill("search", "");
  Fill("upload", "");
  Fill("search", "acme");
  EXPECT_EQ(Forget(ScopeOf("search", "")), All());
  EXPECT_EQ(InUse("upload", ""), All());
  EXPECT_EQ(Forget(ScopeOf(absl::nullopt, "")), All());
  EXPECT_EQ(InUse("upload", ""), 0);
  EXPECT_EQ(InUse("search", "acme"), All());
}

TEST_P(BackendForget, AThrottleIsItsWholeName) {
  for (const char* throttle : {"domain:edge", "domain:edge2", "domain:", "edge", "override:edge"}) {
    Fill(throttle, "");
  }
  EXPECT_EQ(Forget(ScopeOf("domain:edge")), All());
  EXPECT_EQ(InUse("domain:edge", ""), 0);
  for (const char* throttle : {"domain:edge2", "domain:", "edge", "override:edge"}) {
    EXPECT_EQ(InUse(throttle, ""), All()) << throttle;
  }
  EXPECT_EQ(Forget(ScopeOf("*")), 0);
}

// Enough that a backend must go on in several steps.
TEST_P(BackendForget, ForgetsManyAmongMany) {
  constexpr int64_t kEach = 6000;
  for (int64_t i = 0; i < kEach; ++i) {
    const std::string user = absl::StrCat(i);
    Take(KeyOf(user, ten_, "search"), ten_, 1);
    Take(KeyOf(user, ten_, "upload"), ten_, 2);
  }
  EXPECT_EQ(Forget(ScopeOf("search")), kEach);
  EXPECT_EQ(GetParam().keys(*backend_), kEach);
  for (int64_t i = 0; i < kEach; ++i) {
    const std::string user = absl::StrCat(i);
    ASSERT_EQ(Look(KeyOf(user, ten_, "search"), ten_).remaining, 10) << i;
    ASSERT_EQ(Look(KeyOf(user, ten_, "upload"), ten_).remaining, 8) << i;
  }
}

TEST_P(BackendForget, CountsOnAfterwards) {
  for (int round = 0; round < 5; ++round) {
    Fill("search", "acme");
    EXPECT_EQ(InUse("search", "acme"), All());
    EXPECT_EQ(Forget(ScopeOf("search")), All());
  }
}

// What an Admin's call does whose caller has gone.
class AbandonedForgetting final : public Forgetting {
 public:
  explicit AbandonedForgetting(std::atomic<int>& ended) : ended_(ended) {
    scope = ScopeOf("throttle");
    now_us = kStartUs;
  }
  void Done(absl::Status status) override {
    std::atomic<int>& ended = ended_;
    const bool answered = status.ok();
    delete this;
    if (answered) ++ended;
  }

 private:
  std::atomic<int>& ended_;
};

TEST_P(BackendForget, LetsAForgettingEndItselfWhenDone) {
  std::atomic<int> ended = 0;
  for (int i = 0; i < 20; ++i) backend_->Forget(*new AbandonedForgetting(ended));
  backend_.reset();  // which waits for those that are still open
  EXPECT_EQ(ended, 20);
}

TEST_P(BackendForget, DecisionsOutsideStayExactMeanwhile) {
  constexpr int64_t kUsers = 40;
  const Limit limit = LimitOf("fixed_window", "100/day");
  const Limit log = LimitOf("sliding_window_log", "100/day");
  std::atomic<int64_t> admitted = 0;
  std::atomic<bool> over = false;
  std::thread forgetter([&] {
    while (!over) {
      Forget(ScopeOf("search"));
      Forget(KeyOf("0", limit, "search"));
    }
  });
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 30; ++round) {
        for (int64_t user = 0; user < kUsers; ++user) {
          const Limit& mine = user % 2 == 0 ? limit : log;
          const std::string name = absl::StrCat(user);
          Take(KeyOf(name, mine, "search"), mine, 1);
          if (Take(KeyOf(name, mine, "upload"), mine, 1).taken) ++admitted;
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  over = true;
  forgetter.join();
  EXPECT_EQ(admitted, kUsers * 100);
  Forget(ScopeOf("search"));
  EXPECT_EQ(GetParam().keys(*backend_), kUsers);
}

}  // namespace
}  // namespace sluice
