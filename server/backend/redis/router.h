// Brings commands to the node that they concern, and the replies back.
#ifndef SLUICE_BACKEND_REDIS_ROUTER_H_
#define SLUICE_BACKEND_REDIS_ROUTER_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "backend/backend.h"
#include "backend/redis/options.h"
#include "io/event_loop.h"

struct redisReply;

namespace sluice {

// What routers count, for the metrics: written on their loops, read from any thread.
struct RouterCounts {
  std::atomic<int64_t> commands{0};
  std::array<std::atomic<int64_t>, kErrorKinds> errors{};
  // Routers that have a connection for all of their slots.
  std::atomic<int> up{0};
  // Those of RedisOptions.
  std::function<void()> on_up;
  std::function<void(const absl::Status& why)> on_trouble;

  void TellTrouble(const absl::Status& why) const {
    if (on_trouble != nullptr) on_trouble(why);
  }
};

// A command on its way. The router owns it from Send until one of the two is called, which may be
// within Send.
class RedisCall {
 public:
  virtual ~RedisCall() = default;
  // Never an error reply. The reply lives until it returns.
  virtual void OnReply(const redisReply& reply) = 0;
  // Tells by ProvesNotRun whether the command may have run.
  virtual void OnError(const absl::Status& status) = 0;

  std::string command;  // as it goes over the wire
  uint16_t slot = 0;    // of its keys; means nothing outside a Cluster
  // The instant by which it is answered, microseconds since the epoch. One that was sent before
  // costs the connection, so that its late reply is never taken for another one's.
  int64_t deadline_us = 0;
};

// On one loop, all of it. Connects by itself and, when cut, again: at most ten times a second for
// each connection, after a pause that grows and is jittered.
//
// A MOVED or ASK is followed, a NOSCRIPT answered by loading the scripts and asking again, within
// the deadline. Other error replies become errors; those that prove that nothing ran (TRYAGAIN,
// CLUSTERDOWN, LOADING, MASTERDOWN, READONLY, BUSY, OOM and the like) say so. A command for which
// there is no connection fails at once, unless one is being made for the first time, or again after
// it was lost while it worked: then it waits for that within its deadline.
//
// Destroying it, not within a call's OnReply or OnError, fails what still waits.
class Router {
 public:
  // Fails what is on its way.
  virtual ~Router() = default;

  virtual void Send(std::unique_ptr<RedisCall> call) = 0;

  // Each primary that is known, for commands that concern whole nodes (SCAN); empty while none is.
  virtual std::vector<Endpoint> Primaries() const = 0;
  // To that one of Primaries(). One that is none any more is an error.
  virtual void SendTo(const Endpoint& primary, std::unique_ptr<RedisCall> call) = 0;
};

// Which scripts a connection loads before it is used. `options`, `scripts` and `counts` outlive the
// router. For options.mode.
std::unique_ptr<Router> NewRouter(const RedisOptions& options,
                                  const std::vector<std::string>& scripts, RouterCounts& counts,
                                  EventLoop& loop);

// The slot of a Cluster that a key lies in: CRC16 (XMODEM) of what stands between its first `{` and
// the next `}`, or of all of it, modulo 16384.
uint16_t SlotOf(absl::string_view key);

// A command of these arguments as it goes over the wire.
std::string FormatCommand(absl::Span<const absl::string_view> arguments);

}  // namespace sluice

#endif  // SLUICE_BACKEND_REDIS_ROUTER_H_
