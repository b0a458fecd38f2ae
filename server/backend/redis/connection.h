// One connection to one Redis node.
#ifndef SLUICE_BACKEND_REDIS_CONNECTION_H_
#define SLUICE_BACKEND_REDIS_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "backend/redis/errand.h"
#include "backend/redis/options.h"
#include "backend/redis/reader.h"
#include "backend/redis/router.h"
#include "io/endpoint.h"
#include "io/event_loop.h"
#include "io/stream.h"

namespace sluice {

// Commands that go out together, and how many replies they get.
struct Batch {
  std::string bytes;
  int replies = 0;

  void Add(absl::Span<const absl::string_view> arguments);
};

// What a connection is for.
struct Manner {
  RedisLogin login;
  Batch greeting;             // said after the login
  Batch scripts;              // loaded before it is ready, and again when Redis forgot them
  bool primary_only = false;  // not ready with a node whose ROLE is another one
  bool subscribes = false;    // what comes unasked goes to OnPush, and is no error
};

// Connects by itself and, when it was lost, again: at once when it worked, else after a jittered
// pause that grows to a second; never within 100 ms of the attempt before. Ready once the node has
// taken all that it was told first.
//
// Errands are pipelined. While it connects for the first time, or again after it worked, they wait;
// otherwise they fail at once. One that is late costs the connection when it was written.
//
// On one loop. Its owner and what it is made of outlive it. It must not be destroyed within a call
// of its owner or of an errand; when it is, what waits fails.
class Connection final : private Stream::Listener {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void OnReady(Connection& connection) = 0;
    // It was cut, or an attempt failed. What waited fails after this.
    virtual void OnLost(Connection& connection) = 0;
    // An error reply but NOSCRIPT. Whether it took the errand; it is failed else.
    virtual bool OnErrorReply(Connection& connection, Errand& errand, absl::string_view error) = 0;
    virtual void OnPush(const redisReply& reply) { static_cast<void>(reply); }
  };

  Connection(const RedisOptions& options, const Manner& manner, RouterCounts& counts,
             EventLoop& loop, std::mt19937& random, Owner& owner);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // From now on to these, of which each is tried in turn; a connection elsewhere is cut. Before the
  // first Open errands wait.
  void Open(std::vector<Endpoint> endpoints);
  void Send(Errand errand);
  // Takes nothing more, and connects again once what is in flight is answered.
  void Retire();
  // Without a connection: what waits fails, and what comes until it is ready.
  void GiveUp(const absl::Status& why);

  bool ready() const { return state_ == State::kReady; }
  // Whether errands would wait for it.
  bool hopeful() const { return hopeful_; }
  bool idle() const { return queue_.empty(); }
  const Endpoint& endpoint() const { return endpoints_[at_]; }

 private:
  enum class State { kIdle, kPaused, kConnecting, kReady };

  // Its replies are those to what is written before it, which are ignored, and its own.
  struct Entry {
    Errand errand;
    int replies = 1;  // that are still to come, or would once it is written; 0: done with
    bool reloads = false;
  };
  // When an entry is late, and its number.
  using Deadline = std::pair<int64_t, uint64_t>;

  void OnConnected() override;
  void OnData(absl::string_view bytes) override;
  void OnClosed(const absl::Status& why) override;

  void Attempt();
  void OnGreeted(const redisReply& reply);
  void BecomeReady();
  void OnReply(const redisReply& reply);
  void OnErrorReply(Errand errand, absl::string_view error);
  void Reload(Errand errand);

  void Push(Entry entry);
  void Pump();
  void Trim();
  Entry* Find(uint64_t number);

  void Lose(const absl::Status& why);
  // The same of its own accord.
  void Leave(const absl::Status& why);
  void PlanAttempt();
  std::vector<Errand> TakeWritten();
  std::vector<Errand> TakeWaiting();
  void FailNotRun(Errand errand, ErrorKind kind, const absl::Status& status);

  void OnTimer();
  void Expire();
  void ArmFor(int64_t at_us);
  std::string Named(absl::string_view what) const;

  const RedisOptions& options_;
  const Manner& manner_;
  RouterCounts& counts_;
  EventLoop& loop_;
  std::mt19937& random_;
  Owner& owner_;

  std::vector<Endpoint> endpoints_;
  size_t at_ = 0;
  State state_ = State::kIdle;
  bool hopeful_ = true;
  bool retiring_ = false;
  int64_t attempted_us_ = 0;  // when it connected last
  int64_t turn_us_ = 0;       // when it connects next, or gives the attempt up
  size_t failures_ = 0;       // attempts since it worked
  int greeted_ = 0;           // replies to what it said first
  bool said_password_ = false;
  std::string why_lost_;

  // The first `written_` are in flight. Entries are numbered as they come.
  std::deque<Entry> queue_;
  size_t written_ = 0;
  uint64_t first_ = 0;      // the number of the front
  bool reloading_ = false;  // an entry that loads the scripts is on its way
  // Also of entries that are long answered.
  std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>> deadlines_;

  int64_t armed_us_ = 0;
  std::unique_ptr<ReplyReader> reader_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<EventLoop::Timer> timer_;
};

}  // namespace sluice

#endif  // SLUICE_BACKEND_REDIS_CONNECTION_H_
