#include "transport/grpc/grpc_door.h"

#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <climits>
#include <utility>
#include <vector>

#include "transport/grpc/admin_rpc.h"
#include "transport/grpc/health_rpc.h"
#include "transport/grpc/limiter_rpc.h"
#include "transport/listen_error.h"

namespace sluice {
namespace {

constexpr int kMaxMessageBytes = 4 << 20;
constexpr int kMaxMetadataBytes = 16 << 10;
constexpr unsigned kRereadSeconds = 1;

// What gRPC has to say goes to our log, where its errors do not look like ours.
void LogOfGrpc(gpr_log_func_args* args) { spdlog::debug("grpc: {}", args->message); }

bool KnowsCallers(const DoorOptions& options) {
  return options.tls.has_value() && !options.tls->client_ca_file.empty();
}

std::shared_ptr<grpc::ServerCredentials> CredentialsOf(const DoorOptions& options) {
  if (!options.tls.has_value()) return grpc::InsecureServerCredentials();
  const TlsSpec& tls = *options.tls;
  grpc::experimental::TlsServerCredentialsOptions credentials(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          tls.key_file, tls.cert_file, tls.client_ca_file, kRereadSeconds));
  credentials.watch_identity_key_cert_pairs();
  if (KnowsCallers(options)) {
    credentials.watch_root_certs();
    credentials.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(credentials);
}

class Door final : public GrpcDoor {
 public:
  // Ends the watches of `health`, unless it is nullptr.
  Door(std::vector<std::unique_ptr<grpc::Service>> services, HealthService* health)
      : services_(std::move(services)), health_(health) {}
  ~Door() override {
    if (server_ != nullptr) Shutdown(0);
  }

  bool Listen(const DoorOptions& options) {
    gpr_set_log_function(&LogOfGrpc);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(options.address, CredentialsOf(options), &port_);
    for (const auto& service : services_) builder.RegisterService(service.get());
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
    // A port that another process holds is an error, not something to share.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    // Envoy's keepalive pings come at its own interval, with and without calls: none is a strike.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    if (options.max_connection_age_us.has_value()) {
      const int64_t ms = *options.max_connection_age_us / 1000;
      builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                                 static_cast<int>(std::clamp<int64_t>(ms, 1, INT_MAX)));
    }
    server_ = builder.BuildAndStart();
    return server_ != nullptr;
  }

  int port() const override { return port_; }

  void Shutdown(int64_t grace_us) override {
    // An open Watch would use up the whole grace.
    if (health_ != nullptr) health_->CloseWatches();
    server_->Shutdown(gpr_time_from_micros(grace_us, GPR_TIMESPAN));
    server_->Wait();
    server_ = nullptr;
  }

 private:
  const std::vector<std::unique_ptr<grpc::Service>> services_;
  HealthService* const health_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcDoor>> NewGrpcDoor(const DoorOptions& options,
                                                      const GrpcHandlers& handlers) {
  const CallRunner runner(handlers.clock, handlers.telemetry, KnowsCallers(options));
  std::vector<std::unique_ptr<grpc::Service>> services = NewDecisionServices(handlers, runner);
  services.push_back(NewHealthRpc(handlers, runner));
  auto door = std::make_unique<Door>(std::move(services), &handlers.health);
  if (!door->Listen(options)) return CannotListen("server.grpc", options.address);
  return door;
}

absl::StatusOr<std::unique_ptr<GrpcDoor>> NewAdminDoor(const DoorOptions& options,
                                                       const AdminHandlers& handlers) {
  const CallRunner runner(handlers.clock, handlers.telemetry, KnowsCallers(options));
  std::vector<std::unique_ptr<grpc::Service>> services;
  services.push_back(NewAdminRpc(handlers.admin, runner));
  auto door = std::make_unique<Door>(std::move(services), nullptr);
  if (!door->Listen(options)) return CannotListen("server.admin", options.address);
  return door;
}

}  // namespace sluice
