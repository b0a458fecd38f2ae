#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "limiter/limiter.h"
#include "tests/fakes/late_backend.h"
#include "tests/unit/limiter/limiter_fixture.h"

namespace sluice {
namespace {

using testing::Each;
using testing::ElementsAre;

using Asked = DescriptorCall::Ask;

constexpr absl::string_view kEdge = R"(
domain: edge
descriptors:
  - key: client
    rate_limit: {unit: minute, requests_per_unit: 3}
  - key: route
    value: /slow
    rate_limit: {unit: minute, requests_per_unit: 1, name: slow}
  - key: trial
    shadow_mode: true
    rate_limit: {unit: minute, requests_per_unit: 1}
  - key: open
    rate_limit: {unlimited: true}
  - key: outer
    descriptors: [{key: inner, rate_limit: {unit: hour, requests_per_unit: 2}}]
)";

Asked Of(std::vector<DescriptorEntry> entries, int64_t amount = 1, Mode mode = Mode::kTake) {
  Asked ask;
  ask.entries.assign(entries.begin(), entries.end());
  ask.amount = amount;
  ask.mode = mode;
  return ask;
}

Asked Override(std::vector<DescriptorEntry> entries, absl::string_view rate) {
  Asked ask = Of(std::move(entries));
  ask.override_rate = *Rate::Parse(rate);
  return ask;
}

class DescriptorsTest : public LimiterTest {
 protected:
  std::unique_ptr<Descriptors> Answer(const std::vector<Asked>& asks,
                                      absl::string_view domain = "edge") {
    auto call = std::make_unique<Descriptors>(now_us_);
    call->domain = domain;
    call->asks.assign(asks.begin(), asks.end());
    Decide(*call);
    return call;
  }
  int64_t Left(Asked ask) {
    ask.amount = 0;
    ask.mode = Mode::kLook;
    return Answer({std::move(ask)})->lines()[0].verdict.remaining;
  }
};

TEST_F(DescriptorsTest, DescriptorsWithoutALimitPass) {
  Use(kEdge);
  const auto call = Answer({Of({{"nobody", "x"}}), Of({{"outer", "x"}}), Of({{"open", "x"}}),
                            Of({{"client", "a"}}), Of({{"client", "a"}, {"more", "b"}})});
  EXPECT_THAT(Outcomes(*call),
              ElementsAre(Outcome::kAllowed, Outcome::kAllowed, Outcome::kUnlimited,
                          Outcome::kAllowed, Outcome::kAllowed));
  EXPECT_EQ(call->lines()[0].descriptor, nullptr);
  EXPECT_EQ(call->lines()[1].descriptor, nullptr);
  EXPECT_EQ(call->lines()[2].descriptor->path, "open");
  EXPECT_EQ(call->lines()[3].descriptor->path, "client");
  EXPECT_EQ(call->lines()[4].limit, nullptr);
  EXPECT_EQ(call->domain_row()->name(), "edge");
}

TEST_F(DescriptorsTest, AnUnknownDomainHasNoLimitEvenWithAnOverride) {
  Use(kEdge);
  const auto call =
      Answer({Of({{"client", "a"}}), Override({{"client", "a"}}, "0/min")}, "elsewhere");
  EXPECT_THAT(Outcomes(*call), Each(Outcome::kAllowed));
  for (const Line& line : call->lines()) EXPECT_EQ(line.limit, nullptr);
  EXPECT_EQ(call->domain_row(), nullptr);
}

TEST_F(DescriptorsTest, EachValueHasItsCounterAndADenialDrainsNobody) {
  Use(kEdge);
  const auto first = Answer({Of({{"client", "a"}}), Of({{"route", "/slow"}})});
  EXPECT_THAT(Outcomes(*first), Each(Outcome::kAllowed));
  const auto second = Answer({Of({{"client", "a"}}), Of({{"route", "/slow"}})});
  EXPECT_THAT(Outcomes(*second), ElementsAre(Outcome::kAllowed, Outcome::kDenied));
  EXPECT_EQ(second->limited_by(), &second->lines()[1]);
  EXPECT_EQ(second->wait_us(), 40'000'000);
  EXPECT_EQ(Left(Of({{"client", "a"}})), 2);
  EXPECT_EQ(Left(Of({{"client", "b"}})), 3);
}

TEST_F(DescriptorsTest, TheSameDescriptorTwiceIsChargedTwiceInOrder) {
  Use(kEdge);
  const auto call = Answer({Of({{"client", "a"}}), Of({{"client", "a"}})});
  EXPECT_EQ(call->lines()[0].verdict.remaining, 2);
  EXPECT_EQ(call->lines()[1].verdict.remaining, 1);
}

TEST_F(DescriptorsTest, KeysShowThePathAndStandTogetherByTheirFirstOpenEntry) {
  Use("domain: edge\ndescriptors:\n"
      "  - {key: generic_key, value: x, descriptors: [{key: client, rate_limit: {unit: day, "
      "requests_per_unit: 1}}], rate_limit: {unit: day, requests_per_unit: 1}}\n");
  const auto call =
      Answer({Of({{"generic_key", "x"}}), Of({{"generic_key", "x"}, {"client", "a"}})});
  EXPECT_EQ(KeyText(call->lines()[0]),
            "{::edge|generic_key=x}:domain%3Aedge:generic_key=x:fixed_window.1.1d.1us");
  EXPECT_EQ(KeyText(call->lines()[1]),
            "{::edge|client=a}:domain%3Aedge:generic_key=x:client=a:fixed_window.1.1d.1us");
}

TEST_F(DescriptorsTest, AnOverrideCountsApartAndKeepsItsCountWhenItsLimitChanges) {
  Use(kEdge);
  const auto used = [&](const Asked& ask) {
    const auto call = Answer({ask});
    EXPECT_EQ(call->lines()[0].descriptor, nullptr);
    return call->lines()[0].limit->rate().limit() - call->lines()[0].verdict.remaining;
  };
  EXPECT_EQ(used(Override({{"client", "a"}}, "10/min")), 1);
  EXPECT_EQ(used(Override({{"client", "a"}}, "20/min")), 2);
  EXPECT_EQ(used(Override({{"client", "a"}}, "20/hour")), 1);
  EXPECT_EQ(used(Override({{"nobody", "a"}}, "10/min")), 1);
  EXPECT_EQ(Left(Of({{"client", "a"}})), 3);
  // It is never in shadow mode, whatever stands in the configuration.
  const auto denied = Answer({Override({{"trial", "a"}}, "0/min")});
  EXPECT_EQ(denied->lines()[0].outcome, Outcome::kDenied);
  EXPECT_EQ(denied->wait_us(), kNever);
}

TEST_F(DescriptorsTest, AnOverridesCounterIsNoOtherDomains) {
  const auto counted = [&](absl::string_view domain, absl::string_view text, const Asked& ask) {
    Use(text);
    return Answer({ask}, domain)->lines()[0].verdict.remaining;
  };
  EXPECT_EQ(counted("edge", kEdge, Override({{"client", "a"}}, "3/min")), 2);
  EXPECT_EQ(counted("edge:override",
                    "domain: 'edge:override'\ndescriptors:\n"
                    "  - {key: client, rate_limit: {unit: minute, requests_per_unit: 3}}\n",
                    Of({{"client", "a"}})),
            2);
}

TEST_F(DescriptorsTest, AShadowDescriptorCountsAndNeverDenies) {
  Use(kEdge);
  EXPECT_THAT(Outcomes(*Answer({Of({{"trial", "a"}}), Of({{"client", "a"}})})),
              Each(Outcome::kAllowed));
  const auto over = Answer({Of({{"trial", "a"}}), Of({{"client", "a"}})});
  EXPECT_THAT(Outcomes(*over), ElementsAre(Outcome::kShadowDenied, Outcome::kAllowed));
  EXPECT_TRUE(over->allowed());
  EXPECT_EQ(Left(Of({{"client", "a"}})), 1);
  // Looking at one that is over is no denial of the others either.
  const auto look = Answer({Of({{"trial", "a"}}, 0, Mode::kLook), Of({{"client", "a"}})});
  EXPECT_TRUE(look->allowed());
  EXPECT_EQ(Left(Of({{"client", "a"}})), 0);
}

TEST_F(DescriptorsTest, ASettledDescriptorIsChargedWholeAndOutsideTheGroup) {
  Use(kEdge);
  Answer({Of({{"route", "/slow"}})});
  // The group is denied; what is settled is charged all the same, and beyond its limit.
  const auto call = Answer(
      {Of({{"client", "a"}}, 4, Mode::kSettle), Of({{"client", "b"}}), Of({{"route", "/slow"}})});
  EXPECT_THAT(Outcomes(*call), ElementsAre(Outcome::kDenied, Outcome::kAllowed, Outcome::kDenied));
  EXPECT_EQ(Left(Of({{"client", "a"}})), 0);
  EXPECT_EQ(Left(Of({{"client", "b"}})), 3);
  // A refund gives back, and never above full.
  EXPECT_TRUE(Answer({Of({{"client", "a"}}, -2, Mode::kSettle)})->allowed());
  EXPECT_EQ(Left(Of({{"client", "a"}})), 1);
  EXPECT_TRUE(Answer({Of({{"client", "a"}}, -9, Mode::kSettle)})->allowed());
  EXPECT_EQ(Left(Of({{"client", "a"}})), 3);
  // One that is over is no denial of those that ask.
  const auto settled = Answer({Of({{"client", "a"}}, 9, Mode::kSettle), Of({{"client", "b"}})});
  EXPECT_FALSE(settled->allowed());
  EXPECT_EQ(settled->limited_by(), &settled->lines()[0]);
  EXPECT_EQ(Left(Of({{"client", "b"}})), 2);
}

TEST_F(DescriptorsTest, ALookTakesNothingAndPassesAtALimitSpentExactly) {
  Use(kEdge);
  EXPECT_TRUE(Answer({Of({{"route", "/slow"}}, 0, Mode::kLook)})->allowed());
  Answer({Of({{"route", "/slow"}})});
  EXPECT_TRUE(Answer({Of({{"route", "/slow"}}, 0, Mode::kLook)})->allowed());
  Answer({Of({{"route", "/slow"}}, 1, Mode::kSettle)});
  // Above the limit a look is over, and what comes with it is not taken.
  const auto over = Answer({Of({{"route", "/slow"}}, 0, Mode::kLook), Of({{"client", "a"}})});
  EXPECT_THAT(Outcomes(*over), ElementsAre(Outcome::kDenied, Outcome::kAllowed));
  EXPECT_EQ(Left(Of({{"client", "a"}})), 3);
}

TEST_F(DescriptorsTest, AFailedBackendDeniesAllButShadowsAndTheUnlimited) {
  FailingBackend broken(absl::UnavailableError("down"));
  UseBackend(kEdge, broken);
  const auto call = Answer(
      {Of({{"trial", "a"}}), Of({{"open", "a"}}), Of({{"nobody", "a"}}), Of({{"client", "a"}})});
  EXPECT_THAT(Outcomes(*call), ElementsAre(Outcome::kErrorAllowed, Outcome::kUnlimited,
                                           Outcome::kAllowed, Outcome::kErrorDenied));
  EXPECT_EQ(call->limited_by(), &call->lines()[3]);
  EXPECT_EQ(call->wait_us(), 1'000'000);
  EXPECT_EQ(observer_.told(), 1);
}

}  // namespace
}  // namespace sluice
