#include "backend/redis/router.h"

#include <hiredis/hiredis.h>

#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backend/redis/routers.h"

namespace sluice {
namespace {

class Question final : public RedisCall {
 public:
  explicit Question(std::function<void(const redisReply*)> answer) : answer_(std::move(answer)) {}

  void OnReply(const redisReply& reply) override { answer_(&reply); }
  void OnError(const absl::Status&) override { answer_(nullptr); }

 private:
  const std::function<void(const redisReply*)> answer_;
};

}  // namespace

std::unique_ptr<Router> NewRouter(const RedisOptions& options,
                                  const std::vector<std::string>& scripts, RouterCounts& counts,
                                  EventLoop& loop) {
  switch (options.mode) {
    case RedisOptions::Mode::kSentinel:
      return NewSentinelRouter(options, scripts, counts, loop);
    case RedisOptions::Mode::kCluster:
      return NewClusterRouter(options, scripts, counts, loop);
    case RedisOptions::Mode::kSingle:
      break;
  }
  return NewSingleRouter(options, scripts, counts, loop);
}

std::string FormatCommand(absl::Span<const absl::string_view> arguments) {
  std::vector<const char*> texts;
  std::vector<size_t> lengths;
  texts.reserve(arguments.size());
  lengths.reserve(arguments.size());
  for (const absl::string_view argument : arguments) {
    texts.push_back(argument.data());
    lengths.push_back(argument.size());
  }
  char* formatted = nullptr;
  const int size = redisFormatCommandArgv(&formatted, static_cast<int>(texts.size()), texts.data(),
                                          lengths.data());
  std::string command(formatted, static_cast<size_t>(size));
  redisFreeCommand(formatted);
  return command;
}

Manner NodeManner(const RedisOptions& options, const std::vector<std::string>& scripts) {
  Manner manner;
  manner.login = options.login;
  if (options.database != 0) {
    manner.greeting.Add({"SELECT", absl::StrCat(options.database)});
  }
  for (const std::string& script : scripts) manner.scripts.Add({"SCRIPT", "LOAD", script});
  return manner;
}

void FailAsNoPrimary(const Endpoint& endpoint, std::unique_ptr<RedisCall> call,
                     RouterCounts& counts) {
  Fail(ErrandOf(std::move(call)), kConnectError,
       NotRun(absl::UnavailableError(
           absl::StrCat("redis ", endpoint.ToString(), " is no primary any more"))),
       counts);
}

void FailAsClosing(std::unique_ptr<RedisCall> call, RouterCounts& counts) {
  Fail(ErrandOf(std::move(call)), kConnectError,
       NotRun(absl::UnavailableError("the connections to redis are closing")), counts);
}

std::unique_ptr<RedisCall> NewQuestion(std::string command, int64_t deadline_us,
                                       std::function<void(const redisReply*)> answer) {
  auto question = std::make_unique<Question>(std::move(answer));
  question->command = std::move(command);
  question->deadline_us = deadline_us;
  return question;
}

void UpShare::Set(bool up) {
  if (up == up_) return;
  up_ = up;
  counts_.up.fetch_add(up ? 1 : -1, std::memory_order_relaxed);
  if (up && counts_.on_up != nullptr) counts_.on_up();
}

}  // namespace sluice
