// What the three kinds of routers share.
#ifndef SLUICE_BACKEND_REDIS_ROUTERS_H_
#define SLUICE_BACKEND_REDIS_ROUTERS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "backend/redis/connection.h"
#include "backend/redis/options.h"
#include "backend/redis/router.h"
#include "io/endpoint.h"
#include "io/event_loop.h"

namespace sluice {

std::unique_ptr<Router> NewSingleRouter(const RedisOptions& options,
                                        const std::vector<std::string>& scripts,
                                        RouterCounts& counts, EventLoop& loop);
std::unique_ptr<Router> NewSentinelRouter(const RedisOptions& options,
                                          const std::vector<std::string>& scripts,
                                          RouterCounts& counts, EventLoop& loop);
std::unique_ptr<Router> NewClusterRouter(const RedisOptions& options,
                                         const std::vector<std::string>& scripts,
                                         RouterCounts& counts, EventLoop& loop);

// How to talk to a node that holds counters.
Manner NodeManner(const RedisOptions& options, const std::vector<std::string>& scripts);

// Fails a call that concerns a node that is no primary any more.
void FailAsNoPrimary(const Endpoint& endpoint, std::unique_ptr<RedisCall> call,
                     RouterCounts& counts);

// Fails what a router gets while it is destroyed.
void FailAsClosing(std::unique_ptr<RedisCall> call, RouterCounts& counts);

// A question of a router's own. `answer` gets null when there is none.
std::unique_ptr<RedisCall> NewQuestion(std::string command, int64_t deadline_us,
                                       std::function<void(const redisReply*)> answer);

// A router's part in RouterCounts::up.
class UpShare {
 public:
  explicit UpShare(RouterCounts& counts) : counts_(counts) {}
  ~UpShare() { Set(false); }
  UpShare(const UpShare&) = delete;
  UpShare& operator=(const UpShare&) = delete;

  void Set(bool up);
  bool up() const { return up_; }

 private:
  RouterCounts& counts_;
  bool up_ = false;
};

}  // namespace sluice

#endif  // SLUICE_BACKEND_REDIS_ROUTERS_H_
