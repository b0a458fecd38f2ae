// sluice.v1.Limiter and Envoy's rate limit service as gRPC C++ knows them.
#ifndef SLUICE_TRANSPORT_GRPC_LIMITER_RPC_H_
#define SLUICE_TRANSPORT_GRPC_LIMITER_RPC_H_

#include <memory>
#include <vector>

#include "transport/grpc/call.h"
#include "transport/grpc/grpc_door.h"

namespace sluice {

// The handlers outlive the services, which outlive the server.
std::vector<std::unique_ptr<grpc::Service>> NewDecisionServices(const GrpcHandlers& handlers,
                                                                const CallRunner& runner);

}  // namespace sluice

#endif  // SLUICE_TRANSPORT_GRPC_LIMITER_RPC_H_
