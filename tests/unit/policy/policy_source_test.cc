#include "policy/policy_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/temp_folder.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kGood[] = "throttles: [{uid: a, rate: 1/s}]\n";
constexpr char kBetter[] = "throttles: [{uid: a, rate: 2/s}]\n";
constexpr char kBad[] = "throttles: [{uid: a, rate: 1/fortnight}]\n";

class PolicySourceTest : public testing::Test {
 protected:
  void Write(const std::string& text) { folder_.Write("sluice.yaml", text); }

  std::string Rate() const {
    return published_ == nullptr ? ""
                                 : published_->FindThrottle("a")->rate.otherwise.rate.ToString();
  }

  const TempFolder folder_;
  FakeClock clock_;
  std::shared_ptr<const PolicySet> published_;
  absl::Status refusal_;
  std::vector<PolicyLoad> reports_;
  PolicySource source_{
      [this](uint64_t generation) { return LoadPolicyFile(folder_ / "sluice.yaml", generation); },
      [this](std::shared_ptr<const PolicySet> policy) {
        if (refusal_.ok()) published_ = std::move(policy);
        return refusal_;
      },
      [this](const PolicyLoad& load) { reports_.push_back(load); }, clock_};
};

TEST_F(PolicySourceTest, LoadsAndPublishes) {
  EXPECT_EQ(source_.status().policy, nullptr);
  EXPECT_EQ(source_.CheckForChange(), absl::nullopt);
  Write(kGood);
  const PolicyLoad load = source_.Reload();
  ASSERT_NE(load.policy, nullptr);
  EXPECT_EQ(load.policy->generation, 1U);
  EXPECT_THAT(load.errors, IsEmpty());
  EXPECT_EQ(published_, load.policy);
  const PolicyStatus status = source_.status();
  EXPECT_EQ(status.policy, load.policy);
  EXPECT_EQ(status.loaded_at_us, clock_.Now());
  EXPECT_FALSE(status.stale);
  EXPECT_EQ(status.successes, 1U);
  EXPECT_EQ(status.failures, 0U);
  EXPECT_THAT(reports_, SizeIs(1));
  EXPECT_THAT(source_.folders(), ElementsAre(folder_ / ""));
}

TEST_F(PolicySourceTest, ReloadsWithANewGenerationThoughNothingChanged) {
  Write(kGood);
  const std::string hash = source_.Reload().policy->content_hash;
  clock_.Advance(5);
  EXPECT_EQ(source_.Reload().policy->generation, 2U);
  EXPECT_EQ(published_->content_hash, hash);
  EXPECT_EQ(source_.status().loaded_at_us, clock_.Now());
}

TEST_F(PolicySourceTest, ChecksForAChangeOfContent) {
  Write(kGood);
  source_.Reload();
  EXPECT_EQ(source_.CheckForChange(), absl::nullopt);
  Write(kGood);
  EXPECT_EQ(source_.CheckForChange(), absl::nullopt);
  Write(kBetter);
  ASSERT_NE(source_.CheckForChange(), absl::nullopt);
  EXPECT_EQ(Rate(), "2/s");
  EXPECT_EQ(published_->generation, 2U);
  EXPECT_EQ(source_.CheckForChange(), absl::nullopt);
  EXPECT_THAT(reports_, SizeIs(2));
}

TEST_F(PolicySourceTest, KeepsTheOldPolicyWhenTheNewOneIsBad) {
  Write(kGood);
  source_.Reload();
  const int64_t loaded_at_us = clock_.Now();
  clock_.Advance(1'000'000);
  Write(kBad);
  const absl::optional<PolicyLoad> load = source_.CheckForChange();
  ASSERT_NE(load, absl::nullopt);
  EXPECT_EQ(load->policy, nullptr);
  EXPECT_EQ(Rate(), "1/s");
  PolicyStatus status = source_.status();
  EXPECT_EQ(status.policy, published_);
  EXPECT_EQ(status.loaded_at_us, loaded_at_us);
  EXPECT_TRUE(status.stale);
  ASSERT_THAT(status.errors, SizeIs(1));
  EXPECT_THAT(status.errors[0].ToString(), HasSubstr("sluice.yaml:1:28: rate '1/fortnight'"));
  EXPECT_EQ(status.failures, 1U);

  // The same bad file is no news, unless somebody asks.
  EXPECT_EQ(source_.CheckForChange(), absl::nullopt);
  EXPECT_EQ(source_.Reload().policy, nullptr);
  EXPECT_EQ(source_.status().failures, 2U);

  Write(kBetter);
  EXPECT_NE(source_.CheckForChange(), absl::nullopt);
  status = source_.status();
  EXPECT_EQ(status.policy->generation, 2U);
  EXPECT_FALSE(status.stale);
  EXPECT_THAT(status.errors, IsEmpty());
}

TEST_F(PolicySourceTest, AFileThatIsEmptyOrGoneChangesNothing) {
  Write(kGood);
  source_.Reload();
  Write("");
  EXPECT_NE(source_.CheckForChange(), absl::nullopt);
  EXPECT_THAT(source_.status().errors[0].ToString(), HasSubstr("the file is empty"));
  fs::remove(folder_ / "sluice.yaml");
  EXPECT_NE(source_.CheckForChange(), absl::nullopt);
  EXPECT_TRUE(source_.status().stale);
  EXPECT_EQ(Rate(), "1/s");
}

TEST_F(PolicySourceTest, IsNotStaleWhenTheFilesHoldAgainWhatIsLoaded) {
  folder_.Write("edge.domain", "domain: edge\n");
  const std::string text = std::string(kGood) + "domains: {files: [\"*.domain\"]}\n";
  Write(text);
  source_.Reload();
  Write(kBad);
  source_.CheckForChange();
  ASSERT_TRUE(source_.status().stale);
  Write(text);
  const absl::optional<PolicyLoad> load = source_.CheckForChange();
  ASSERT_NE(load, absl::nullopt);
  EXPECT_TRUE(load->restored);
  EXPECT_EQ(load->policy, published_);
  const PolicyStatus status = source_.status();
  EXPECT_FALSE(status.stale);
  EXPECT_THAT(status.errors, IsEmpty());
  EXPECT_EQ(status.policy->generation, 1U);
  EXPECT_EQ(status.successes, 1U);
  EXPECT_THAT(reports_, SizeIs(3));
  // All that the policy was read from counts again.
  folder_.Write("edge.domain", "domain: other\n");
  EXPECT_NE(source_.CheckForChange(), absl::nullopt);
  EXPECT_NE(published_->FindDomain("other"), nullptr);
}

TEST_F(PolicySourceTest, APolicyThatIsRefusedIsAnError) {
  Write(kGood);
  source_.Reload();
  refusal_ = absl::UnavailableError("no room for it");
  Write(kBetter);
  const absl::optional<PolicyLoad> load = source_.CheckForChange();
  ASSERT_NE(load, absl::nullopt);
  EXPECT_EQ(load->policy, nullptr);
  EXPECT_EQ(Rate(), "1/s");
  PolicyStatus status = source_.status();
  EXPECT_TRUE(status.stale);
  EXPECT_EQ(status.policy->generation, 1U);
  ASSERT_THAT(status.errors, SizeIs(1));
  EXPECT_EQ(status.errors[0].ToString(), folder_ / "sluice.yaml" + ":1:1: no room for it");
  refusal_ = absl::OkStatus();
  EXPECT_EQ(source_.CheckForChange(), absl::nullopt);
  EXPECT_EQ(source_.Reload().policy->generation, 2U);
}

TEST_F(PolicySourceTest, AChangeWhileItLoadsIsSeenAfterwards) {
  Write(kGood);
  bool changed = false;
  PolicySource source(
      [&](uint64_t generation) {
        PolicyResult result = LoadPolicyFile(folder_ / "sluice.yaml", generation);
        if (!changed) Write(kBetter);
        changed = true;
        return result;
      },
      [](const std::shared_ptr<const PolicySet>&) { return absl::OkStatus(); },
      [](const PolicyLoad&) {}, clock_);
  source.Reload();
  EXPECT_NE(source.CheckForChange(), absl::nullopt);
  EXPECT_EQ(source.status().policy->FindThrottle("a")->rate.otherwise.rate.ToString(), "2/s");
}

TEST_F(PolicySourceTest, LoadsWaitForEachOther) {
  Write(kGood);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int k = 0; k < 25; ++k) {
        source_.Reload();
        source_.CheckForChange();
        EXPECT_NE(source_.status().policy, nullptr);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(source_.status().policy->generation, 100U);
  ASSERT_THAT(reports_, SizeIs(100));
  for (size_t i = 0; i < reports_.size(); ++i) EXPECT_EQ(reports_[i].policy->generation, i + 1);
}

}  // namespace
}  // namespace sluice
