#include "transport/grpc/grpc_door.h"

#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "transport/grpc/health_rpc.h"
#include "transport/grpc/limiter_rpc.h"
#include "transport/listen_error.h"

namespace sluice {
namespace {

constexpr int kMaxMessageBytes = 4 << 20;
constexpr int kMaxMetadataBytes = 16 << 10;

// What gRPC has to say goes to our log, where its errors do not look like ours.
void LogOfGrpc(gpr_log_func_args* args) { spdlog::debug("grpc: {}", args->message); }

class GrpcDoorImpl final : public GrpcDoor {
 public:
  explicit GrpcDoorImpl(const GrpcHandlers& handlers)
      : health_(handlers.health), services_(NewDecisionServices(handlers)) {
    services_.push_back(NewHealthRpc(handlers));
  }
  ~GrpcDoorImpl() override {
    if (server_ != nullptr) Shutdown(0);
  }

  bool Listen(const std::string& address) {
    gpr_set_log_function(&LogOfGrpc);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
    for (const auto& service : services_) builder.RegisterService(service.get());
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
    // A port that another process holds is an error, not something to share.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    // Envoy's keepalive pings come at its own interval, with and without calls: none is a strike.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    server_ = builder.BuildAndStart();
    return server_ != nullptr;
  }

  int port() const override { return port_; }

  void Shutdown(int64_t grace_us) override {
    // An open Watch would use up the whole grace.
    health_.CloseWatches();
    server_->Shutdown(gpr_time_from_micros(grace_us, GPR_TIMESPAN));
    server_->Wait();
    server_ = nullptr;
  }

 private:
  HealthService& health_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcDoor>> NewGrpcDoor(const std::string& address,
                                                      const GrpcHandlers& handlers) {
  auto door = std::make_unique<GrpcDoorImpl>(handlers);
  if (!door->Listen(address)) return CannotListen("server.grpc", address);
  return door;
}

}  // namespace sluice
