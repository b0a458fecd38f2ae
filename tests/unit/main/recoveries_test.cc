#include "main/recoveries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "core/mutex.h"

namespace sluice {
namespace {

using testing::ElementsAre;

constexpr int64_t kPatienceUs = 10'000'000;

TEST(RecoveriesTest, RunOnAThreadOfTheirOwnUntilTheyAreStopped) {
  Mutex mutex;
  CondVar changed;
  std::vector<std::string> told;
  std::thread::id thread;
  Recoveries recoveries([&](const std::string& backend) {
    MutexLock lock(mutex);
    told.push_back(backend);
    thread = std::this_thread::get_id();
    changed.NotifyAll();
  });
  recoveries.Add("shared");
  {
    MutexLock lock(mutex);
    while (told.empty()) ASSERT_TRUE(changed.WaitFor(mutex, kPatienceUs));
    EXPECT_NE(thread, std::this_thread::get_id());
  }
  recoveries.Stop();
  recoveries.Add("late");
  MutexLock lock(mutex);
  EXPECT_THAT(told, ElementsAre("shared"));
}

}  // namespace
}  // namespace sluice
