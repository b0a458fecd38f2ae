// A router on a loop of its own, and what it answers.
#ifndef SLUICE_TESTS_UNIT_BACKEND_REDIS_ROUTER_FIXTURE_H_
#define SLUICE_TESTS_UNIT_BACKEND_REDIS_ROUTER_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "backend/redis/reader.h"
#include "backend/redis/router.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "io/event_loop.h"
#include "tests/fakes/on_loop.h"

namespace sluice {

// A call that somebody waits for. Copies are the same call.
class Asked {
 public:
  // Waits up to 20 s. The reply's text, `:7` for a number, or the error's message.
  std::string Wait() const {
    MutexLock lock(state_->mutex);
    while (!state_->done) {
      if (!state_->changed.WaitFor(state_->mutex, 20'000'000)) return "nothing came";
    }
    return state_->text;
  }
  absl::Status status() const {
    Wait();
    MutexLock lock(state_->mutex);
    return state_->status;
  }
  bool done() const {
    MutexLock lock(state_->mutex);
    return state_->done;
  }
  // How many calls were answered before it.
  int rank() const {
    Wait();
    MutexLock lock(state_->mutex);
    return state_->rank;
  }

  std::unique_ptr<RedisCall> NewCall(std::atomic<int>& answered) const {
    return std::make_unique<Call>(state_, answered);
  }
  // Runs on the loop, before the call is done.
  void Then(std::function<void()> next) { state_->next = std::move(next); }

 private:
  struct State {
    mutable Mutex mutex;
    CondVar changed;
    bool done ABSL_GUARDED_BY(mutex) = false;
    int rank ABSL_GUARDED_BY(mutex) = 0;
    std::string text ABSL_GUARDED_BY(mutex);
    absl::Status status ABSL_GUARDED_BY(mutex);
    std::function<void()> next;
  };

  class Call final : public RedisCall {
   public:
    Call(std::shared_ptr<State> state, std::atomic<int>& answered)
        : state_(std::move(state)), answered_(answered) {}

    void OnReply(const redisReply& reply) override {
      const bool number = reply.type == REDIS_REPLY_INTEGER;
      Done(number ? absl::StrCat(":", reply.integer) : std::string(TextOf(reply)),
           absl::OkStatus());
    }
    void OnError(const absl::Status& status) override {
      Done(std::string(status.message()), status);
    }

   private:
    void Done(std::string text, absl::Status status) {
      if (state_->next) state_->next();
      MutexLock lock(state_->mutex);
      EXPECT_FALSE(state_->done);
      state_->done = true;
      state_->rank = answered_++;
      state_->text = std::move(text);
      state_->status = std::move(status);
      state_->changed.NotifyAll();
    }

    const std::shared_ptr<State> state_;
    std::atomic<int>& answered_;
  };

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

class RouterFixture : public ::testing::Test {
 protected:
  ~RouterFixture() override { End(); }

  void Start() {
    counts_.on_trouble = [this](const absl::Status& why) { troubles_.emplace_back(why.message()); };
    RunOn(*loop_, [this] { router_ = NewRouter(options_, scripts_, counts_, *loop_); });
  }
  void End() {
    RunOn(*loop_, [this] { router_.reset(); });
  }

  // The words of one command each, sent in one wakeup.
  std::vector<Asked> AskAll(const std::vector<std::string>& commands, int64_t timeout_ms = 10'000,
                            uint16_t slot = 0) {
    std::vector<Asked> asked(commands.size());
    RunOn(*loop_, [&] {
      for (size_t i = 0; i < commands.size(); ++i) {
        router_->Send(NewCall(asked[i], commands[i], timeout_ms, slot));
      }
    });
    return asked;
  }
  Asked Ask(const std::string& command, int64_t timeout_ms = 10'000, uint16_t slot = 0) {
    return AskAll({command}, timeout_ms, slot)[0];
  }
  Asked AskAt(const Endpoint& primary, const std::string& command) {
    Asked asked;
    RunOn(*loop_, [&] { router_->SendTo(primary, NewCall(asked, command, 10'000, 0)); });
    return asked;
  }
  std::vector<Endpoint> Primaries() {
    std::vector<Endpoint> primaries;
    RunOn(*loop_, [&] { primaries = router_->Primaries(); });
    return primaries;
  }

  std::unique_ptr<RedisCall> NewCall(const Asked& asked, const std::string& command,
                                     int64_t timeout_ms, uint16_t slot) {
    auto call = asked.NewCall(answered_);
    const std::vector<std::string> words = absl::StrSplit(command, ' ');
    call->command = FormatCommand(std::vector<absl::string_view>(words.begin(), words.end()));
    call->deadline_us = clock_->Now() + timeout_ms * 1000;
    call->slot = slot;
    return call;
  }

  // What went wrong, as the log would hear it.
  std::vector<std::string> Troubles() {
    std::vector<std::string> troubles;
    RunOn(*loop_, [&] { troubles = troubles_; });
    return troubles;
  }

  // Asks every 2 ms, up to 20 s.
  bool Becomes(const std::function<bool()>& condition) {
    const int64_t end_us = clock_->Now() + 20'000'000;
    while (!condition()) {
      if (clock_->Now() > end_us) return false;
      Pause(2);
    }
    return true;
  }
  bool BecomesUp() {
    return Becomes([this] { return counts_.up == 1; });
  }
  // For what must not happen.
  static void Pause(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

  int64_t NowMs() const { return clock_->Now() / 1000; }
  int64_t errors(ErrorKind kind) const { return counts_.errors[kind]; }

  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  RedisOptions options_;
  std::vector<std::string> scripts_;
  RouterCounts counts_;
  std::atomic<int> answered_{0};
  std::unique_ptr<Router> router_;     // the loop's
  std::vector<std::string> troubles_;  // the loop's
  const std::unique_ptr<EventLoop> loop_ = NewEventLoop(*clock_);
};

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_BACKEND_REDIS_ROUTER_FIXTURE_H_
