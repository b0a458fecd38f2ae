// With the system's own inotify, in folders of the tests' own.
#include "policy/policy_watcher.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "core/mutex.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/temp_folder.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPatienceUs = 30'000'000;
// Longer than the tests' patience: what is seen is seen by inotify.
constexpr WatchOptions kWatchOnly = {3'600'000, 10};
// For what no event tells of.
constexpr WatchOptions kPollOften = {20, 10};

std::string Policy(int rate) {
  return "throttles: [{uid: a, rate: " + std::to_string(rate) + "/s}]\n";
}

class PolicyWatcherTest : public testing::Test {
 protected:
  void Start(const std::string& path, WatchOptions options) {
    source_ = std::make_unique<PolicySource>(
        [path](uint64_t generation) { return LoadPolicyFile(path, generation); },
        [](const std::shared_ptr<const PolicySet>&) { return absl::OkStatus(); },
        [this](const PolicyLoad&) {
          MutexLock lock(mutex_);
          ++reports_;
          reported_.NotifyAll();
        },
        clock_);
    ASSERT_NE(source_->Reload().policy, nullptr);
    watcher_ = WatchPolicy(*source_, options);
  }

  // Waits until the policy has this rate.
  bool HasRate(int rate) {
    const std::string text = std::to_string(rate) + "/s";
    MutexLock lock(mutex_);
    for (;;) {
      const auto policy = source_->status().policy;
      if (policy != nullptr && policy->FindThrottle("a")->rate.otherwise.rate.ToString() == text)
        return true;
      if (!reported_.WaitFor(mutex_, kPatienceUs)) return false;
    }
  }

  const TempFolder folder_;
  FakeClock clock_;
  Mutex mutex_;
  CondVar reported_;
  int reports_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<PolicySource> source_;
  std::unique_ptr<PolicyWatcher> watcher_;
};

TEST_F(PolicyWatcherTest, SeesAFileRewrittenInPlace) {
  Start(folder_.Write("sluice.yaml", Policy(1)), kWatchOnly);
  for (int rate = 2; rate < 6; ++rate) {
    folder_.Write("sluice.yaml", Policy(rate));
    EXPECT_TRUE(HasRate(rate));
  }
}

TEST_F(PolicyWatcherTest, SeesAFileReplaced) {
  const std::string path = folder_.Write("sluice.yaml", Policy(1));
  Start(path, kWatchOnly);
  for (int rate = 2; rate < 6; ++rate) {
    fs::rename(folder_.Write("sluice.yaml.new", Policy(rate)), path);
    EXPECT_TRUE(HasRate(rate));
  }
}

TEST_F(PolicyWatcherTest, SeesASymlinkSwapped) {
  folder_.Write("..one/sluice.yaml", Policy(1));
  folder_.Write("..two/sluice.yaml", Policy(2));
  fs::create_symlink("..one", folder_ / "..data");
  fs::create_symlink("..data/sluice.yaml", folder_ / "sluice.yaml");
  Start(folder_ / "sluice.yaml", kWatchOnly);
  fs::create_symlink("..two", folder_ / "..data_tmp");
  fs::rename(folder_ / "..data_tmp", folder_ / "..data");
  EXPECT_TRUE(HasRate(2));
}

TEST_F(PolicyWatcherTest, SeesAFileAddedToAFolder) {
  folder_.Write("conf/b.yaml", "throttles: [{uid: b, rate: 1/s}, {uid: a, rate: 1/s}]\n");
  Start(folder_ / "conf", kWatchOnly);
  folder_.Write("conf/b.yaml", "throttles: [{uid: b, rate: 1/s}]\n");
  folder_.Write("conf/a.yaml", Policy(2));
  EXPECT_TRUE(HasRate(2));
}

TEST_F(PolicyWatcherTest, PollsWhatNobodyTellsItOf) {
  folder_.Write("elsewhere/sluice.yaml", Policy(1));
  fs::create_symlink("elsewhere/sluice.yaml", folder_ / "sluice.yaml");
  Start(folder_ / "sluice.yaml", kPollOften);
  // Its folder is not one that is watched.
  folder_.Write("elsewhere/sluice.yaml", Policy(2));
  EXPECT_TRUE(HasRate(2));
}

TEST_F(PolicyWatcherTest, StopsAtOnce) {
  for (int i = 0; i < 50; ++i) {
    Start(folder_.Write("sluice.yaml", Policy(1)), kWatchOnly);
    watcher_ = nullptr;
  }
}

}  // namespace
}  // namespace sluice
