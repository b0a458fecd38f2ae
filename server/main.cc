// sluiced: the composition root. The only file that names concrete backends and doors.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "core/rate.h"
#include "limiter/limiter.h"
#include "main/backends.h"
#include "main/recoveries.h"
#include "policy/loader.h"
#include "policy/policy_source.h"
#include "policy/policy_watcher.h"
#include "policy/redis_environment.h"
#include "service/admin_service.h"
#include "service/health_service.h"
#include "service/limiter_service.h"
#include "service/ratelimit_service.h"
#include "telemetry/telemetry.h"
#include "transport/grpc/grpc_door.h"
#include "transport/http/http_door.h"

namespace sluice {
namespace {

constexpr absl::string_view kLogTime = "%Y-%m-%dT%H:%M:%S.%eZ";
constexpr int kExitPortInUse = 1;
constexpr int kExitBadConfig = 2;

// These signals are blocked in every thread, so that only WaitForSignal sees them: it has to run
// before any thread starts.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  // Under nohup it would be ignored, and then never seen.
  std::signal(SIGHUP, SIG_DFL);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// The next signal of the set, or 0 when `us` microseconds have passed first.
int WaitForSignal(const sigset_t& signals, int64_t us) {
  const timespec timeout{us / 1'000'000, us % 1'000'000 * 1000};
  return std::max(sigtimedwait(&signals, nullptr, &timeout), 0);
}

// Load balancers get the time that SIGTERM promises them, also when it is sent twice; a person at a
// terminal need not wait.
void WaitForDelay(int64_t us) {
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  WaitForSignal(interrupt, us);
}

spdlog::level::level_enum LevelOf(LogSpec::Level level) {
  switch (level) {
    case LogSpec::Level::kDebug:
      return spdlog::level::debug;
    case LogSpec::Level::kInfo:
      return spdlog::level::info;
    case LogSpec::Level::kWarn:
      return spdlog::level::warn;
    case LogSpec::Level::kError:
      break;
  }
  return spdlog::level::err;
}

// A line's text as it stands between the quotes of a JSON string.
class JsonText final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& to) override {
    for (const char c : message.payload) Append(c, to);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonText>();
  }

 private:
  static void Append(char c, spdlog::memory_buf_t& to) {
    std::string text(1, c);
    if (c == '"' || c == '\\') {
      text.insert(text.begin(), '\\');
    } else if (static_cast<unsigned char>(c) < 0x20) {
      text = absl::StrCat("\\u", absl::Hex(c, absl::kZeroPad4));
    }
    to.append(text.data(), text.data() + text.size());
  }
};

// At any time: the sink locks itself while it changes its form.
void Shape(spdlog::logger& logger, const LogSpec& spec) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<JsonText>('*').set_pattern(
      spec.json ? absl::StrCat(R"({"time":")", kLogTime, R"(","level":"%l","message":"%*"})")
                : absl::StrCat(kLogTime, " %l %v"));
  logger.set_formatter(std::move(formatter));
  logger.set_level(LevelOf(spec.level));
}

void SetUpLog() {
  auto logger = spdlog::stderr_logger_mt("sluiced");
  Shape(*logger, LogSpec());
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

// The address with another port.
std::string WithPort(const std::string& address, int port) {
  return absl::StrCat(address.substr(0, address.rfind(':') + 1), port);
}

PolicyResult LoadPolicy(const std::string& config, const LoadOptions& options,
                        uint64_t generation) {
  if (!config.empty()) return LoadPolicyFile(config, generation, options);
  return LoadPolicyText("built-in example", ExamplePolicy(), generation, options);
}

// Puts a port from the environment into an address. False, and said so, when it is none.
bool TakePort(const char* variable, std::string& address) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return true;
  int port = 0;
  if (!absl::SimpleAtoi(text, &port) || port < 0 || port > 65535) {
    std::fprintf(stderr, "%s: '%s' is not a port (give a number from 0 to 65535)\n", variable,
                 text);
    return false;
  }
  address = WithPort(address, port);
  return true;
}

// The Redis that the environment names when no file does. False, and said so, when it is wrong.
bool TakeRedis(LoadOptions& options) {
  absl::StatusOr<absl::optional<BackendSpec>> redis = RedisFromEnvironment(options.environment);
  if (!redis.ok()) {
    std::fprintf(stderr, "%s\n", std::string(redis.status().message()).c_str());
    return false;
  }
  const std::vector<std::string> unused = UnusedRedisVariables(options.environment);
  if (!unused.empty()) {
    spdlog::warn("{} {} nothing here", absl::StrJoin(unused, ", "),
                 unused.size() == 1 ? "changes" : "change");
  }
  if (redis->has_value()) options.backend = **std::move(redis);
  return true;
}

// What the environment says when no file does.
bool TakeEnvironment(ServerSpec& server) {
  if (std::getenv("RUNTIME_ROOT") != nullptr) {
    std::fprintf(stderr,
                 "RUNTIME_ROOT is not supported yet (name the files under domains.files of a "
                 "--config)\n");
    return false;
  }
  return TakePort("GRPC_PORT", server.grpc_address) && TakePort("PORT", server.http_address);
}

std::string DescribeBackends(const PolicySet& policy) {
  return absl::StrJoin(policy.backends, ",", [](std::string* out, const BackendSpec& spec) {
    absl::StrAppend(out, spec.name, ":", spec.type);
  });
}

int Fail(const absl::Status& status) {
  spdlog::error("{}", std::string(status.message()));
  return kExitPortInUse;
}

// Everything that lives as long as the server, in the order in which each needs those before it.
class Server {
 public:
  // `config` is empty for the built-in example.
  Server(std::string config, LoadOptions options)
      : config_(std::move(config)),
        options_(std::move(options)),
        clock_(NewSystemClock()),
        recoveries_([this](const std::string& backend) { OnRecovered(backend); }),
        backends_(*clock_, [this](const std::string& backend) { recoveries_.Add(backend); }),
        telemetry_(NewTelemetry({SLUICE_VERSION, SLUICE_COMMIT})),
        limiter_(HashSecret::Random(), *telemetry_, *clock_),
        limiter_service_(limiter_),
        ratelimit_service_(limiter_),
        source_(
            [this](uint64_t generation) { return LoadPolicy(config_, options_, generation); },
            [this](std::shared_ptr<const PolicySet> policy) { return Adopt(std::move(policy)); },
            [this](const PolicyLoad& load) { Report(load); }, *clock_) {
    telemetry_->ShowPolicy(source_);
  }

  ~Server() { recoveries_.Stop(); }

  // The first time, the caller says what came of it.
  PolicyLoad Load() { return source_.Reload(); }

  absl::Status Open(const ServerSpec& spec) {
    auto http = NewHttpDoor(spec.http_address,
                            {limiter_, source_, ratelimit_service_, health_, *telemetry_, *clock_});
    if (!http.ok()) return http.status();
    http_ = *std::move(http);
    auto grpc = NewGrpcDoor({spec.grpc_address, spec.grpc_tls, spec.max_connection_age_us},
                            {limiter_service_, ratelimit_service_, health_, *telemetry_, *clock_});
    if (!grpc.ok()) return grpc.status();
    grpc_ = *std::move(grpc);
    return OpenAdmin(spec);
  }

  // Nothing is decided, and /readyz does not say ready, before this: all doors are open by then.
  void Serve(const ServerSpec& spec) {
    {
      MutexLock lock(mutex_);
      serving_ = true;
      Publish();
    }
    SayReady(spec);
    if (!config_.empty()) watcher_ = WatchPolicy(source_);
  }

  // To be called once a minute.
  void Tend() { backends_.Tend(); }

  // NOT_SERVING at once, so that load balancers turn away while every call is still answered; then
  // GOAWAY.
  void Drain(int signal) {
    health_.Drain();
    const ServerSpec spec = source_.status().policy->server;
    const int64_t delay_us = signal == SIGINT ? 0 : spec.drain_delay_us;
    spdlog::info("draining signal={} delay_ms={}", signal, delay_us / 1000);
    if (delay_us > 0) WaitForDelay(delay_us);
    // The HTTP door takes seconds to stop, which are the grace's as well.
    std::thread http_stops([this] { http_ = nullptr; });
    grpc_->Shutdown(spec.drain_grace_us);
    admin_ = nullptr;
    http_stops.join();
    spdlog::info("stopped");
  }

 private:
  // What fallbacks counted while it failed would be in the way the next time.
  void OnRecovered(const std::string& backend) { limiter_.ForgetFallbacks(backend, clock_->Now()); }

  // Of several servers on one host only the first gets the address that nobody has chosen: the
  // others decide all the same.
  absl::Status OpenAdmin(const ServerSpec& spec) {
    if (spec.admin_address.empty()) return absl::OkStatus();
    admin_service_.emplace(limiter_, source_, backends_, /*local=*/spec.auth.open());
    auto admin =
        NewAdminDoor({spec.admin_address, spec.admin_tls}, {*admin_service_, *telemetry_, *clock_});
    if (admin.ok()) {
      admin_ = *std::move(admin);
    } else if (spec.admin_address_given) {
      return admin.status();
    } else {
      spdlog::warn("{}: going on without Admin (server.admin.address says where, or off)",
                   std::string(admin.status().message()));
    }
    return absl::OkStatus();
  }

  void SayReady(const ServerSpec& spec) const {
    const auto policy = source_.status().policy;
    spdlog::info(
        "serving version={} grpc={} http={} admin={} backends={} policy=\"{}\" generation={} "
        "hash={} throttles={} domains={}",
        SLUICE_VERSION, WithPort(spec.grpc_address, grpc_->port()),
        WithPort(spec.http_address, http_->port()),
        admin_ == nullptr ? "off" : WithPort(spec.admin_address, admin_->port()),
        DescribeBackends(*policy), policy->source, policy->generation,
        policy->content_hash.substr(0, 12), policy->throttles.size(), policy->domains.size());
  }

  absl::Status Adopt(std::shared_ptr<const PolicySet> policy) {
    absl::StatusOr<std::vector<std::shared_ptr<Backend>>> backends = backends_.Adopt(*policy);
    if (!backends.ok()) return backends.status();
    MutexLock lock(mutex_);
    if (policy_ == nullptr) configured_ = policy->server;
    Shape(*spdlog::default_logger_raw(), policy->log);
    policy_ = std::move(policy);
    adopted_ = *std::move(backends);
    if (serving_) Publish();
    return absl::OkStatus();
  }

  void Publish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::vector<NamedBackend> shown;
    shown.reserve(adopted_.size());
    for (size_t i = 0; i < adopted_.size(); ++i) {
      shown.push_back({policy_->backends[i].name, adopted_[i]});
    }
    telemetry_->ShowBackends(std::move(shown));
    limiter_.Publish(policy_, adopted_);
  }

  // What came of loading while it serves.
  void Report(const PolicyLoad& load) {
    ServerSpec configured;
    {
      MutexLock lock(mutex_);
      if (!serving_) return;
      configured = configured_;
    }
    if (load.policy == nullptr) return ReportErrors(load);
    const PolicySet& policy = *load.policy;
    spdlog::info("{} generation={} hash={} throttles={} domains={}",
                 load.restored ? "restored" : "reloaded", policy.generation,
                 policy.content_hash.substr(0, 12), policy.throttles.size(), policy.domains.size());
    for (const PolicyError& warning : load.warnings) spdlog::warn(warning.ToString());
    WarnOfAddress("server.grpc", configured.grpc_address, policy.server.grpc_address);
    WarnOfAddress("server.http", configured.http_address, policy.server.http_address);
    WarnOfAuth(configured, policy.server);
    WarnOfAddress("server.admin", configured.admin_address, policy.server.admin_address);
  }

  void ReportErrors(const PolicyLoad& load) const {
    for (const PolicyError& error : load.errors) spdlog::error(error.ToString());
    spdlog::error("not reloaded errors={}: the policy of generation {} goes on", load.errors.size(),
                  source_.status().policy->generation);
  }

  // A plaintext port knows nobody, so that rules which come by a reload shut everyone out.
  static void WarnOfAuth(const ServerSpec& now, const ServerSpec& next) {
    if (next.auth.open() || now.grpc_tls.has_value()) return;
    spdlog::warn(
        "server.auth: the gRPC port was opened without TLS, and callers without a certificate may "
        "act for no tenant; restart to open it with server.grpc.tls");
  }

  static void WarnOfAddress(const char* key, const std::string& now, const std::string& next) {
    if (now == next) return;
    spdlog::warn("{}: the address '{}' takes effect at the next start; until then it is '{}'", key,
                 next, now);
  }

  const std::string config_;
  const LoadOptions options_;
  const std::unique_ptr<Clock> clock_;
  Recoveries recoveries_;
  Backends backends_;
  const std::unique_ptr<Telemetry> telemetry_;
  Limiter limiter_;
  LimiterService limiter_service_;
  RateLimitService ratelimit_service_;
  HealthService health_;

  Mutex mutex_;
  bool serving_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const PolicySet> policy_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Backend>> adopted_ ABSL_GUARDED_BY(mutex_);  // of that policy
  ServerSpec configured_ ABSL_GUARDED_BY(mutex_);                          // by the first policy

  PolicySource source_;
  std::unique_ptr<HttpDoor> http_;
  std::unique_ptr<GrpcDoor> grpc_;
  absl::optional<AdminService> admin_service_;
  std::unique_ptr<GrpcDoor> admin_;  // nullptr: there is none
  std::unique_ptr<PolicyWatcher> watcher_;
};

// Until a signal ends it.
int Tend(Server& server, const sigset_t& signals) {
  for (;;) {
    const int signal = WaitForSignal(signals, kMinuteUs);
    if (signal == SIGTERM || signal == SIGINT) {
      server.Drain(signal);
      return 0;
    }
    if (signal == SIGHUP) server.Load();
    server.Tend();
  }
}

int Run(const std::string& config) {
  const sigset_t signals = BlockSignals();
  SetUpLog();
  LoadOptions options;
  if (config.empty() && !TakeRedis(options)) return kExitBadConfig;
  Server server(config, std::move(options));
  const PolicyLoad loaded = server.Load();
  if (loaded.policy == nullptr) {
    for (const PolicyError& error : loaded.errors) {
      std::fprintf(stderr, "%s\n", error.ToString().c_str());
    }
    return kExitBadConfig;
  }
  for (const PolicyError& warning : loaded.warnings) spdlog::warn(warning.ToString());
  ServerSpec spec = loaded.policy->server;
  if (config.empty() && !TakeEnvironment(spec)) return kExitBadConfig;
  if (absl::Status status = server.Open(spec); !status.ok()) return Fail(status);
  server.Serve(spec);
  if (config.empty()) {
    spdlog::info(
        "no --config: running the built-in example; try: sluicectl hit api:burst --id alice");
  }
  return Tend(server, signals);
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  CLI::App app{"sluiced answers whether a request may pass: a rate limit decision service."};
  std::string config;
  app.add_option("--config", config,
                 "Policy file (YAML), or a folder of them; without it, a built-in example runs");
  app.set_version_flag("--version", SLUICE_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : sluice::kExitBadConfig;
  }
  return sluice::Run(config);
}
