// grpc.health.v1.Health as gRPC C++ knows it.
#ifndef SLUICE_TRANSPORT_GRPC_HEALTH_RPC_H_
#define SLUICE_TRANSPORT_GRPC_HEALTH_RPC_H_

#include <memory>

#include "transport/grpc/call.h"
#include "transport/grpc/grpc_door.h"

namespace sluice {

// The handlers outlive the service, which outlives the server.
std::unique_ptr<grpc::Service> NewHealthRpc(const GrpcHandlers& handlers, const CallRunner& runner);

}  // namespace sluice

#endif  // SLUICE_TRANSPORT_GRPC_HEALTH_RPC_H_
