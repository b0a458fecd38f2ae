#include "transport/http/http_door.h"

#include <civetweb.h>

#include <array>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "core/mutex.h"
#include "service/ratelimit_json.h"
#include "transport/listen_error.h"

namespace sluice {
namespace {

constexpr size_t kMaxBody = 64 << 10;
// For a body to arrive, and for a decision.
constexpr int64_t kPatienceUs = 1'000'000;
// Lines of a probe's answer; the log has them all.
constexpr size_t kMaxErrors = 100;
constexpr char kText[] = "text/plain; charset=utf-8";

struct Answer {
  int status = 200;
  std::string content_type = kText;
  std::string body;
};

// nullopt: it is longer than kMaxBody, or comes too slowly, or the client went away. Read byte by
// byte, because mg_read comes back only when it has all that it was asked for.
absl::optional<std::string> ReadBody(const Clock& clock, mg_connection* connection) {
  const int64_t deadline_us = clock.Now() + kPatienceUs;
  std::string body;
  for (;;) {
    char byte = 0;
    const int n = mg_read(connection, &byte, 1);
    if (n < 0) return absl::nullopt;
    if (n == 0) return body;
    body.push_back(byte);
    if (body.size() > kMaxBody || clock.Now() > deadline_us) return absl::nullopt;
  }
}

absl::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    default:
      return "Service Unavailable";
  }
}

void Write(mg_connection* connection, const Answer& answer) {
  const std::string head = absl::StrCat(
      "HTTP/1.1 ", answer.status, " ", ReasonPhrase(answer.status),
      "\r\nContent-Type: ", answer.content_type, "\r\nContent-Length: ", answer.body.size(),
      "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
  mg_write(connection, head.data(), head.size());
  if (absl::string_view(mg_get_request_info(connection)->request_method) != "HEAD") {
    mg_write(connection, answer.body.data(), answer.body.size());
  }
}

// The answer may come from another thread; civetweb's threads wait for it.
JsonAnswer DecideJson(const HttpHandlers& to, absl::string_view body) {
  struct Waiting {
    Mutex mutex;
    CondVar answered;
    absl::optional<JsonAnswer> answer ABSL_GUARDED_BY(mutex);
  } waiting;
  const int64_t now_us = to.clock.Now();
  const CallContext context{now_us, now_us + kPatienceUs};
  ShouldRateLimitJson(to.ratelimit, body, context, [&waiting](JsonAnswer answer) {
    MutexLock lock(waiting.mutex);
    waiting.answer = std::move(answer);
    waiting.answered.NotifyOne();
  });
  MutexLock lock(waiting.mutex);
  while (!waiting.answer.has_value()) waiting.answered.Wait(waiting.mutex);
  return *std::move(waiting.answer);
}

Answer Metrics(const HttpHandlers& to, mg_connection*) {
  return {200, "text/plain; version=0.0.4; charset=utf-8", to.telemetry.Scrape()};
}

Answer Live(const HttpHandlers&, mg_connection*) { return {200, kText, "OK"}; }

// Nothing when the policy is that of the files.
std::string DescribeStale(const PolicyStatus& status) {
  if (!status.stale || status.policy == nullptr) return "";
  std::string text =
      absl::StrCat("stale policy: generation ", status.policy->generation, " goes on\n");
  size_t told = 0;
  for (const PolicyError& error : status.errors) {
    if (told++ == kMaxErrors) {
      absl::StrAppend(&text, "and ", status.errors.size() - kMaxErrors, " more\n");
      break;
    }
    absl::StrAppend(&text, error.ToString(), "\n");
  }
  return text;
}

Answer Ready(const HttpHandlers& to, mg_connection*) {
  if (to.limiter.policy() == nullptr) return {503, kText, "not ready: no policy is loaded yet\n"};
  if (!to.health.serving()) return {503, kText, "not ready: draining\n"};
  return {200, kText, absl::StrCat("ready\n", DescribeStale(to.source.status()))};
}

Answer Health(const HttpHandlers& to, mg_connection* connection) {
  const bool ready = Ready(to, connection).status == 200;
  return {ready ? 200 : 500, kText, ready ? "OK" : "NOT SERVING\n"};
}

Answer Json(const HttpHandlers& to, mg_connection* connection) {
  const absl::optional<std::string> body = ReadBody(to.clock, connection);
  JsonAnswer answer = DecideJson(to, body.value_or(""));
  return {answer.http_status, std::move(answer.content_type), std::move(answer.body)};
}

Answer RlConfig(const HttpHandlers& to, mg_connection*) {
  const std::shared_ptr<const PolicySet> policy = to.limiter.policy();
  return {200, kText, policy == nullptr ? std::string() : DescribeDomains(*policy)};
}

struct Route {
  const char* path;  // with civetweb's `$`: this path only
  Answer (*handle)(const HttpHandlers& to, mg_connection* connection);
};
constexpr std::array<Route, 6> kRoutes = {{
    {"/metrics$", &Metrics},
    {"/livez$", &Live},
    {"/readyz$", &Ready},
    {"/healthcheck$", &Health},
    {"/json$", &Json},
    {"/rlconfig$", &RlConfig},
}};

class HttpDoorImpl final : public HttpDoor {
 public:
  explicit HttpDoorImpl(const HttpHandlers& handlers) : handlers_(handlers) {
    for (size_t i = 0; i < kRoutes.size(); ++i) bound_[i] = {&handlers_, &kRoutes[i]};
  }
  ~HttpDoorImpl() override {
    if (server_ != nullptr) mg_stop(server_);
  }

  bool Listen(const std::string& address) {
    // A connection holds a thread for as long as it lives: so there are many, none outlives its
    // answer, and one that says nothing is soon cut.
    const char* options[] = {"listening_ports",
                             address.c_str(),
                             "num_threads",
                             "64",
                             "request_timeout_ms",
                             "1000",
                             "tcp_nodelay",
                             "1",
                             nullptr};
    mg_callbacks callbacks{};
    // What civetweb has to say of a port it did not get, CannotListen says better.
    callbacks.log_message = [](const mg_connection*, const char*) { return 1; };
    server_ = mg_start(&callbacks, this, options);
    if (server_ == nullptr) return false;
    for (Bound& bound : bound_) {
      mg_set_request_handler(server_, bound.route->path, &HttpDoorImpl::Handle, &bound);
    }
    return true;
  }

  int port() const override {
    mg_server_port ports[1];
    return mg_get_server_ports(server_, 1, ports) == 1 ? ports[0].port : 0;
  }

 private:
  struct Bound {
    const HttpHandlers* handlers = nullptr;
    const Route* route = nullptr;
  };

  static int Handle(mg_connection* connection, void* data) {
    const Bound& bound = *static_cast<const Bound*>(data);
    const Answer answer = bound.route->handle(*bound.handlers, connection);
    Write(connection, answer);
    return answer.status;
  }

  const HttpHandlers handlers_;
  std::array<Bound, kRoutes.size()> bound_;
  mg_context* server_ = nullptr;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpDoor>> NewHttpDoor(const std::string& address,
                                                      const HttpHandlers& handlers) {
  auto door = std::make_unique<HttpDoorImpl>(handlers);
  if (!door->Listen(address)) return CannotListen("server.http", address);
  return door;
}

}  // namespace sluice
