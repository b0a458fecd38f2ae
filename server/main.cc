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

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backend/memory/memory_backend.h"
#include "core/clock.h"
#include "core/rate.h"
#include "limiter/limiter.h"
#include "policy/loader.h"
#include "service/admin_service.h"
#include "service/health_service.h"
#include "service/limiter_service.h"
#include "service/ratelimit_service.h"
#include "telemetry/telemetry.h"
#include "transport/grpc/grpc_door.h"
#include "transport/http/http_door.h"

namespace sluice {
namespace {

constexpr int kExitPortInUse = 1;
constexpr int kExitBadConfig = 2;
constexpr uint64_t kFirstGeneration = 1;

// SIGTERM and SIGINT are blocked in every thread, so that only WaitForSignal sees them: it has to
// run before any thread starts.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
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

void SetUpLog() {
  auto logger = spdlog::stderr_logger_mt("sluiced");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

// The address with another port.
std::string WithPort(const std::string& address, int port) {
  return absl::StrCat(address.substr(0, address.rfind(':') + 1), port);
}

PolicyResult LoadPolicy(const std::string& config) {
  if (!config.empty()) return LoadPolicyFile(config, kFirstGeneration);
  return LoadPolicyText("built-in example", ExamplePolicy(), kFirstGeneration);
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

std::vector<std::unique_ptr<Backend>> NewBackends(const PolicySet& policy) {
  std::vector<std::unique_ptr<Backend>> backends;
  for (const BackendSpec& spec : policy.backends) {
    MemoryOptions options;
    options.max_keys = spec.max_keys;
    options.allow_when_full = spec.on_full == OnFull::kAllow;
    backends.push_back(NewMemoryBackend(options));
  }
  return backends;
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
  Server(std::shared_ptr<const PolicySet> policy, ServerSpec spec)
      : policy_(std::move(policy)),
        spec_(std::move(spec)),
        clock_(NewSystemClock()),
        backends_(NewBackends(*policy_)),
        telemetry_(NewTelemetry({SLUICE_VERSION, SLUICE_COMMIT})),
        limiter_(HashSecret::Random(), *telemetry_),
        limiter_service_(limiter_),
        ratelimit_service_(limiter_),
        admin_service_(limiter_, spec_.auth.open()),
        reported_full_(backends_.size(), 0) {
    for (size_t i = 0; i < backends_.size(); ++i) {
      telemetry_->AddBackend(policy_->backends[i].name, *backends_[i]);
    }
  }

  absl::Status Open() {
    auto http = NewHttpDoor(spec_.http_address,
                            {limiter_, ratelimit_service_, health_, *telemetry_, *clock_});
    if (!http.ok()) return http.status();
    http_ = *std::move(http);
    auto grpc = NewGrpcDoor({spec_.grpc_address, spec_.grpc_tls, spec_.max_connection_age_us},
                            {limiter_service_, ratelimit_service_, health_, *telemetry_, *clock_});
    if (!grpc.ok()) return grpc.status();
    grpc_ = *std::move(grpc);
    return OpenAdmin();
  }

  // Of several servers on one host only the first gets the address that nobody has chosen: the
  // others decide all the same.
  absl::Status OpenAdmin() {
    if (spec_.admin_address.empty()) return absl::OkStatus();
    auto admin = NewAdminDoor({spec_.admin_address, spec_.admin_tls},
                              {admin_service_, *telemetry_, *clock_});
    if (admin.ok()) {
      admin_ = *std::move(admin);
    } else if (spec_.admin_address_given) {
      return admin.status();
    } else {
      spdlog::warn("{}: going on without Admin (server.admin.address says where, or off)",
                   std::string(admin.status().message()));
    }
    return absl::OkStatus();
  }

  // Nothing is decided, and /readyz does not say ready, before this: both doors are open by then.
  void Serve() {
    std::vector<Backend*> named;
    named.reserve(backends_.size());
    for (const auto& backend : backends_) named.push_back(backend.get());
    limiter_.Publish(policy_, std::move(named));
    telemetry_->OnPolicyLoaded(policy_->generation);
  }

  void SayReady() const {
    spdlog::info(
        "serving version={} grpc={} http={} admin={} backends={} policy=\"{}\" generation={} "
        "hash={} throttles={} domains={}",
        SLUICE_VERSION, WithPort(spec_.grpc_address, grpc_->port()),
        WithPort(spec_.http_address, http_->port()),
        admin_ == nullptr ? "off" : WithPort(spec_.admin_address, admin_->port()),
        DescribeBackends(*policy_), policy_->source, policy_->generation,
        policy_->content_hash.substr(0, 12), policy_->throttles.size(), policy_->domains.size());
  }

  // Tells the operator of a full backend; to be called once a minute.
  void ReportFull() {
    for (size_t i = 0; i < backends_.size(); ++i) {
      const int64_t full = backends_[i]->Stats().full;
      const int64_t more = full - std::exchange(reported_full_[i], full);
      if (more == 0) continue;
      spdlog::warn(
          "full backend={} refused={}: every counter in reach was at its limit (raise max_keys, or "
          "limit by something that callers cannot make up)",
          policy_->backends[i].name, more);
    }
  }

  // NOT_SERVING at once, so that load balancers turn away while every call is still answered; then
  // GOAWAY.
  void Drain(int signal) {
    health_.Drain();
    const int64_t delay_us = signal == SIGINT ? 0 : spec_.drain_delay_us;
    spdlog::info("draining signal={} delay_ms={}", signal, delay_us / 1000);
    if (delay_us > 0) WaitForDelay(delay_us);
    // The HTTP door takes seconds to stop, which are the grace's as well.
    std::thread http_stops([this] { http_ = nullptr; });
    grpc_->Shutdown(spec_.drain_grace_us);
    http_stops.join();
    spdlog::info("stopped");
  }

 private:
  const std::shared_ptr<const PolicySet> policy_;
  const ServerSpec spec_;
  const std::unique_ptr<Clock> clock_;
  const std::vector<std::unique_ptr<Backend>> backends_;
  const std::unique_ptr<Telemetry> telemetry_;
  Limiter limiter_;
  LimiterService limiter_service_;
  RateLimitService ratelimit_service_;
  AdminService admin_service_;
  HealthService health_;
  std::vector<int64_t> reported_full_;
  std::unique_ptr<HttpDoor> http_;
  std::unique_ptr<GrpcDoor> grpc_;
  std::unique_ptr<GrpcDoor> admin_;  // nullptr: there is none
};

int Run(const std::string& config) {
  const sigset_t signals = BlockSignals();
  SetUpLog();
  PolicyResult loaded = LoadPolicy(config);
  if (loaded.policy == nullptr) {
    for (const PolicyError& error : loaded.errors) {
      std::fprintf(stderr, "%s\n", error.ToString().c_str());
    }
    return kExitBadConfig;
  }
  for (const PolicyError& warning : loaded.warnings) spdlog::warn(warning.ToString());
  ServerSpec spec = loaded.policy->server;
  if (config.empty() && !TakeEnvironment(spec)) return kExitBadConfig;
  Server server(std::move(loaded.policy), std::move(spec));
  if (absl::Status status = server.Open(); !status.ok()) return Fail(status);
  server.Serve();
  server.SayReady();
  if (config.empty()) {
    spdlog::info(
        "no --config: running the built-in example; try: sluicectl hit api:burst --id alice");
  }
  int signal = 0;
  while ((signal = WaitForSignal(signals, kMinuteUs)) == 0) server.ReportFull();
  server.Drain(signal);
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  CLI::App app{"sluiced answers whether a request may pass: a rate limit decision service."};
  std::string config;
  app.add_option("--config", config, "Policy file (YAML); without it, a built-in example runs");
  app.set_version_flag("--version", SLUICE_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : sluice::kExitBadConfig;
  }
  return sluice::Run(config);
}
