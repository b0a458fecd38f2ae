#include "io/event_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/on_loop.h"
#include "tests/unit/io/system_calls.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReadableFd {
 public:
  ReadableFd() : fd_(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~ReadableFd() { close(fd_); }
  ReadableFd(const ReadableFd&) = delete;
  ReadableFd& operator=(const ReadableFd&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

class FunctionWatcher final : public EventLoop::Watcher {
 public:
  explicit FunctionWatcher(std::function<void(uint32_t)> told) : told_(std::move(told)) {}
  void OnEvents(uint32_t events) override { told_(events); }

 private:
  const std::function<void(uint32_t)> told_;
};

class EventLoopTest : public ::testing::Test {
 protected:
  // Two wakeups: what one sees is past once the next has begun.
  void PassWakeups(EventLoop& loop) {
    for (int i = 0; i < 3; ++i) {
      RunOn(loop, [] {});
    }
  }

  FakeClock clock_;
};

TEST_F(EventLoopTest, RunsTasksInTheirOrder) {
  std::vector<int> ran;
  {
    const auto loop = NewEventLoop(clock_);
    for (int i = 0; i < 1000; ++i) loop->Post([&ran, i] { ran.push_back(i); });
  }
  ASSERT_EQ(ran.size(), 1000);
  EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
}

TEST_F(EventLoopTest, RunsWhatManyThreadsPost) {
  constexpr int threads = 4;
  constexpr int tasks = 5000;
  std::array<std::vector<int>, threads> ran;
  {
    const auto loop = NewEventLoop(clock_);
    std::vector<std::thread> posters;
    posters.reserve(threads);
    for (int t = 0; t < threads; ++t) {
      posters.emplace_back([&, t] {
        for (int i = 0; i < tasks; ++i) loop->Post([&ran, t, i] { ran[t].push_back(i); });
      });
    }
    for (std::thread& poster : posters) poster.join();
  }
  for (const std::vector<int>& of_one : ran) {
    EXPECT_EQ(of_one.size(), tasks);
    EXPECT_TRUE(std::is_sorted(of_one.begin(), of_one.end()));
  }
}

// A wakeup that is lost would leave the task to a loop that sleeps for ever.
TEST_F(EventLoopTest, WakesForEachTaskThatIsWaitedFor) {
  const auto loop = NewEventLoop(clock_);
  int ran = 0;
  for (int i = 0; i < 5000; ++i) RunOn(*loop, [&ran] { ++ran; });
  EXPECT_EQ(ran, 5000);
}

TEST_F(EventLoopTest, IsWokenOnceForAllThatIsPostedMeanwhile) {
  const auto loop = NewEventLoop(clock_);
  Flag busy;
  Flag posted;
  loop->Post([&] {
    busy.Set();
    posted.Wait();
  });
  ASSERT_TRUE(busy.Wait());
  const int before = Wakeups();
  int ran = 0;
  for (int i = 0; i < 1000; ++i) loop->Post([&ran] { ++ran; });
  EXPECT_EQ(Wakeups(), before) << "it is awake";
  posted.Set();
  RunOn(*loop, [&] { EXPECT_EQ(ran, 1000); });
  EXPECT_LE(Wakeups(), before + 1);
}

TEST_F(EventLoopTest, RunsAtItsEndWhatTasksPost) {
  bool ran = false;
  {
    const auto loop = NewEventLoop(clock_);
    EventLoop& same = *loop;
    loop->Post([&] { same.Post([&] { same.Post([&] { ran = true; }); }); });
  }
  EXPECT_TRUE(ran);
}

TEST_F(EventLoopTest, KnowsItsOwnThread) {
  const auto loop = NewEventLoop(clock_);
  const auto other = NewEventLoop(clock_);
  EXPECT_FALSE(loop->OnLoop());
  RunOn(*loop, [&] {
    EXPECT_TRUE(loop->OnLoop());
    EXPECT_FALSE(other->OnLoop());
  });
}

TEST_F(EventLoopTest, TellsEventsThenTimersThenTasksThenTheEnd) {
  const auto loop = NewEventLoop(clock_);
  std::vector<std::string> order;
  const ReadableFd fd;
  FunctionWatcher watcher([&](uint32_t events) {
    EXPECT_EQ(events, EPOLLIN);
    order.push_back("event");
    loop->Forget(fd.get());
    loop->AtEndOfWakeup([&] {
      order.push_back("end");
      loop->AtEndOfWakeup([&] { order.push_back("end of the end"); });
    });
  });
  std::unique_ptr<EventLoop::Timer> timer;
  RunOn(*loop, [&] {
    timer = loop->NewTimer([&] { order.push_back("timer"); });
    timer->Set(loop->now_us());
    loop->Watch(fd.get(), EPOLLIN, watcher);
    loop->Post([&] { order.push_back("task"); });
    loop->AtEndOfWakeup([&] { order.push_back("end of the wakeup before"); });
  });
  PassWakeups(*loop);
  RunOn(*loop, [&] { timer = nullptr; });
  EXPECT_THAT(order, ElementsAre("end of the wakeup before", "event", "timer", "task", "end",
                                 "end of the end"));
}

TEST_F(EventLoopTest, TellsAWatcherAgainUntilItIsForgotten) {
  const auto loop = NewEventLoop(clock_);
  const ReadableFd fd;
  Flag often;
  int told = 0;
  FunctionWatcher watcher([&](uint32_t) {
    if (++told != 3) return;
    loop->Forget(fd.get());
    often.Set();
  });
  RunOn(*loop, [&] { loop->Watch(fd.get(), EPOLLIN, watcher); });
  ASSERT_TRUE(often.Wait());
  PassWakeups(*loop);
  RunOn(*loop, [&] { EXPECT_EQ(told, 3); });
}

TEST_F(EventLoopTest, ChangesWhatIsWatched) {
  const auto loop = NewEventLoop(clock_);
  const ReadableFd fd;
  Flag told;
  FunctionWatcher watcher([&](uint32_t events) {
    EXPECT_EQ(events, EPOLLOUT);
    loop->Forget(fd.get());
    told.Set();
  });
  RunOn(*loop, [&] {
    loop->Watch(fd.get(), EPOLLIN, watcher);
    loop->Change(fd.get(), EPOLLOUT);
  });
  EXPECT_TRUE(told.Wait());
}

TEST_F(EventLoopTest, TellsNothingOfWhatWasForgottenInTheSameWakeup) {
  const auto loop = NewEventLoop(clock_);
  const ReadableFd a;
  const ReadableFd b;
  int told = 0;
  FunctionWatcher watcher([&](uint32_t) {
    ++told;
    loop->Forget(a.get());
    loop->Forget(b.get());
  });
  RunOn(*loop, [&] {
    loop->Watch(a.get(), EPOLLIN, watcher);
    loop->Watch(b.get(), EPOLLIN, watcher);
  });
  PassWakeups(*loop);
  RunOn(*loop, [&] { EXPECT_EQ(told, 1); });
}

TEST_F(EventLoopTest, TellsAReusedDescriptorNoEventsOfTheOneBefore) {
  const auto loop = NewEventLoop(clock_);
  const ReadableFd a;
  const ReadableFd b;
  const int silent = eventfd(0, EFD_CLOEXEC);
  int told_of_new = 0;
  FunctionWatcher of_new([&](uint32_t) { ++told_of_new; });
  FunctionWatcher watcher([&](uint32_t) {
    loop->Forget(a.get());
    loop->Forget(b.get());
    for (const int fd : {a.get(), b.get()}) {
      dup2(silent, fd);
      loop->Watch(fd, EPOLLIN, of_new);
    }
  });
  RunOn(*loop, [&] {
    loop->Watch(a.get(), EPOLLIN, watcher);
    loop->Watch(b.get(), EPOLLIN, watcher);
  });
  PassWakeups(*loop);
  RunOn(*loop, [&] {
    EXPECT_EQ(told_of_new, 0);
    loop->Forget(a.get());
    loop->Forget(b.get());
  });
  close(silent);
}

class TimerTest : public EventLoopTest {
 protected:
  TimerTest() : start_us_(clock_.Now()) {}
  ~TimerTest() override {
    RunOn(*loop_, [this] { timers_.clear(); });
  }

  // A timer that writes its name down. On the loop.
  EventLoop::Timer& Add(const std::string& name) {
    timers_.push_back(loop_->NewTimer([this, name] { rang_.push_back(name); }));
    return *timers_.back();
  }
  std::vector<std::string> RangBy(int64_t after_us) {
    clock_.Set(start_us_ + after_us);
    PassWakeups(*loop_);
    std::vector<std::string> rang;
    RunOn(*loop_, [&] { rang = rang_; });
    return rang;
  }

  const std::unique_ptr<EventLoop> loop_ = NewEventLoop(clock_);
  const int64_t start_us_;
  std::vector<std::unique_ptr<EventLoop::Timer>> timers_;
  std::vector<std::string> rang_;
};

TEST_F(TimerTest, RingInTheOrderOfTheirInstantsAndNotBefore) {
  RunOn(*loop_, [this] {
    Add("late").Set(start_us_ + 2'000'000);
    Add("early").Set(start_us_ + 1'000'000);
    Add("early, set later").Set(start_us_ + 1'000'000);
    Add("never").Set(std::numeric_limits<int64_t>::max());
  });
  EXPECT_THAT(RangBy(999'999), IsEmpty());
  EXPECT_THAT(RangBy(1'000'000), ElementsAre("early", "early, set later"));
  EXPECT_THAT(RangBy(9'000'000), ElementsAre("early", "early, set later", "late"));
}

TEST_F(TimerTest, SettingAgainTakesTheOldInstantsPlace) {
  RunOn(*loop_, [this] {
    Add("a").Set(start_us_ + 1000);
    Add("b").Set(start_us_ + 2000);
    timers_[0]->Set(start_us_ + 3000);
  });
  EXPECT_THAT(RangBy(2000), ElementsAre("b"));
  EXPECT_THAT(RangBy(3000), ElementsAre("b", "a"));
}

TEST_F(TimerTest, CancelledOnesDoNotRing) {
  RunOn(*loop_, [this] {
    Add("a").Set(start_us_ + 1000);
    EXPECT_TRUE(timers_[0]->is_set());
    timers_[0]->Cancel();
    EXPECT_FALSE(timers_[0]->is_set());
    timers_[0]->Cancel();
  });
  EXPECT_THAT(RangBy(2000), IsEmpty());
}

TEST_F(TimerTest, OneMayCancelAndDestroyOthersThatAreDue) {
  RunOn(*loop_, [this] {
    timers_.push_back(loop_->NewTimer([this] {
      rang_.push_back("first");
      timers_[1]->Cancel();
      timers_[2] = nullptr;
    }));
    timers_[0]->Set(start_us_ + 1000);
    Add("cancelled").Set(start_us_ + 1000);
    Add("destroyed").Set(start_us_ + 1000);
    Add("last").Set(start_us_ + 1000);
  });
  EXPECT_THAT(RangBy(1000), ElementsAre("first", "last"));
}

TEST_F(TimerTest, ATaskMaySetItsTimerAgain) {
  RunOn(*loop_, [this] {
    timers_.push_back(loop_->NewTimer([this] {
      rang_.push_back("a");
      EXPECT_FALSE(timers_[0]->is_set());
      timers_[0]->Set(loop_->now_us() + 1000);
    }));
    timers_[0]->Set(start_us_ + 1000);
  });
  EXPECT_THAT(RangBy(1000), ElementsAre("a"));
  EXPECT_THAT(RangBy(2000), ElementsAre("a", "a"));
}

TEST_F(TimerTest, ATaskMayDestroyItsTimer) {
  auto alive = std::make_shared<int>(7);
  const std::weak_ptr<int> watched = alive;
  RunOn(*loop_, [&] {
    timers_.push_back(loop_->NewTimer([this, held = std::move(alive)] {
      timers_.clear();
      // What the task holds outlives the timer.
      rang_.push_back(std::to_string(*held));
    }));
    timers_[0]->Set(start_us_ + 1000);
  });
  EXPECT_THAT(RangBy(1000), ElementsAre("7"));
  EXPECT_TRUE(watched.expired());
}

TEST_F(TimerTest, OneThatIsSetToThePastRingsOnceAWakeup) {
  RunOn(*loop_, [this] {
    timers_.push_back(loop_->NewTimer([this] {
      rang_.push_back("timer");
      if (rang_.size() < 4) timers_[0]->Set(0);
      loop_->AtEndOfWakeup([this] { rang_.push_back("end"); });
    }));
    timers_[0]->Set(0);
    EXPECT_THAT(rang_, IsEmpty());
  });
  EXPECT_THAT(RangBy(0), ElementsAre("timer", "end", "timer", "end", "timer", "end"));
}

TEST_F(TimerTest, RunsATaskOnceAfterADelay) {
  loop_->RunAfter(2000, [this] { rang_.push_back("late"); });
  loop_->RunAfter(1000, [this] {
    rang_.push_back("early");
    loop_->RunAfter(1000, [this] { rang_.push_back("later"); });
  });
  PassWakeups(*loop_);
  EXPECT_THAT(RangBy(999), IsEmpty());
  EXPECT_THAT(RangBy(1000), ElementsAre("early"));
  EXPECT_THAT(RangBy(2000), ElementsAre("early", "late", "later"));
  EXPECT_THAT(RangBy(9000), ElementsAre("early", "late", "later"));
}

TEST_F(EventLoopTest, EndsWithWhatIsNotDueYet) {
  auto held = std::make_shared<int>();
  const std::weak_ptr<int> seen = held;
  bool ran = false;
  {
    const auto loop = NewEventLoop(clock_);
    loop->RunAfter(1000, [&ran, held = std::move(held)] { ran = true; });
    PassWakeups(*loop);
    EXPECT_FALSE(seen.expired());
  }
  EXPECT_FALSE(ran);
  EXPECT_TRUE(seen.expired());
}

TEST(RealTimerTest, IsNeverEarlyAndHardlyLate) {
  const std::unique_ptr<Clock> clock = NewSystemClock();
  const auto loop = NewEventLoop(*clock);
  int64_t least_late_us = std::numeric_limits<int64_t>::max();
  for (const int64_t wait_us : {1, 300, 999, 1000, 1001, 1500, 2500, 3333, 4999, 5001}) {
    Flag rang;
    std::unique_ptr<EventLoop::Timer> timer;
    int64_t at_us = 0;
    RunOn(*loop, [&] {
      timer = loop->NewTimer([&] {
        EXPECT_GE(loop->now_us(), at_us);
        least_late_us = std::min(least_late_us, loop->now_us() - at_us);
        rang.Set();
      });
      at_us = clock->Now() + wait_us;
      timer->Set(at_us);
    });
    ASSERT_TRUE(rang.Wait());
    RunOn(*loop, [&] { timer = nullptr; });
  }
  // Of the best one, as the machine may be busy.
  EXPECT_LE(least_late_us, 1100);
}

}  // namespace
}  // namespace sluice
