// sluiced: the composition root. The only file that names concrete backends and doors.
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backend/memory/memory_backend.h"
#include "core/clock.h"
#include "limiter/limiter.h"
#include "policy/loader.h"
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

int WaitForSignal(const sigset_t& signals) {
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  return signal;
}

// The next signal of the set, or 0 when `us` microseconds have passed first.
int WaitForSignalFor(const sigset_t& signals, int64_t us) {
  const timespec timeout{us / 1'000'000, us % 1'000'000 * 1000};
  return std::max(sigtimedwait(&signals, nullptr, &timeout), 0);
}

void SetUpLog() {
  auto logger = spdlog::stderr_logger_mt("sluiced");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

PolicyResult LoadPolicy(const std::string& config) {
  if (!config.empty()) return LoadPolicyFile(config, kFirstGeneration);
  return LoadPolicyText("built-in example", ExamplePolicy(), kFirstGeneration);
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

// "0.0.0.0:0" with the port that it became.
std::string WithPort(const std::string& address, int port) {
  return absl::StrCat(address.substr(0, address.rfind(':') + 1), port);
}

int Fail(const absl::Status& status) {
  spdlog::error("{}", std::string(status.message()));
  return kExitPortInUse;
}

// Everything that lives as long as the server, in the order in which each needs those before it.
class Server {
 public:
  explicit Server(std::shared_ptr<const PolicySet> policy)
      : policy_(std::move(policy)),
        clock_(NewSystemClock()),
        backends_(NewBackends(*policy_)),
        telemetry_(NewTelemetry({SLUICE_VERSION, SLUICE_COMMIT})),
        limiter_(HashSecret::Random(), *telemetry_),
        limiter_service_(limiter_),
        ratelimit_service_(limiter_) {
    std::vector<Backend*> named;
    for (size_t i = 0; i < backends_.size(); ++i) {
      named.push_back(backends_[i].get());
      telemetry_->AddBackend(policy_->backends[i].name, *backends_[i]);
    }
    limiter_.Publish(policy_, std::move(named));
    telemetry_->OnPolicyLoaded(policy_->generation);
  }

  absl::Status Open() {
    auto grpc = NewGrpcDoor(policy_->server.grpc_address,
                            {limiter_service_, ratelimit_service_, health_, *telemetry_, *clock_});
    if (!grpc.ok()) return grpc.status();
    grpc_ = *std::move(grpc);
    auto http = NewHttpDoor(policy_->server.http_address,
                            {limiter_, ratelimit_service_, health_, *telemetry_, *clock_});
    if (!http.ok()) return http.status();
    http_ = *std::move(http);
    return absl::OkStatus();
  }

  void SayReady() const {
    spdlog::info(
        "serving version={} grpc={} http={} backends={} policy=\"{}\" generation={} hash={} "
        "throttles={} domains={}",
        SLUICE_VERSION, WithPort(policy_->server.grpc_address, grpc_->port()),
        WithPort(policy_->server.http_address, http_->port()), DescribeBackends(*policy_),
        policy_->source, policy_->generation, policy_->content_hash.substr(0, 12),
        policy_->throttles.size(), policy_->domains.size());
  }

  // NOT_SERVING at once, so that load balancers turn away while every call is still answered; then
  // GOAWAY. A person at a terminal need not wait for load balancers.
  void Drain(int signal, const sigset_t& signals) {
    health_.Drain();
    const int64_t delay_us = signal == SIGINT ? 0 : policy_->server.drain_delay_us;
    spdlog::info("draining signal={} delay_ms={}", signal, delay_us / 1000);
    if (delay_us > 0) WaitForSignalFor(signals, delay_us);
    grpc_->Shutdown(policy_->server.drain_grace_us);
    spdlog::info("stopped");
  }

 private:
  const std::shared_ptr<const PolicySet> policy_;
  const std::unique_ptr<Clock> clock_;
  const std::vector<std::unique_ptr<Backend>> backends_;
  const std::unique_ptr<Telemetry> telemetry_;
  Limiter limiter_;
  LimiterService limiter_service_;
  RateLimitService ratelimit_service_;
  HealthService health_;
  std::unique_ptr<GrpcDoor> grpc_;
  std::unique_ptr<HttpDoor> http_;
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
  Server server(std::move(loaded.policy));
  if (absl::Status status = server.Open(); !status.ok()) return Fail(status);
  server.SayReady();
  if (config.empty()) {
    spdlog::info(
        "no --config: running the built-in example; try: sluicectl hit api:burst --id alice");
  }
  server.Drain(WaitForSignal(signals), signals);
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
