// sluice.v1.Admin as gRPC C++ knows it.
#ifndef SLUICE_TRANSPORT_GRPC_ADMIN_RPC_H_
#define SLUICE_TRANSPORT_GRPC_ADMIN_RPC_H_

#include <memory>

#include "service/admin_service.h"
#include "transport/grpc/call.h"

namespace sluice {

// The handler outlives the service, which outlives the server.
std::unique_ptr<grpc::Service> NewAdminRpc(AdminService& admin, const CallRunner& runner);

}  // namespace sluice

#endif  // SLUICE_TRANSPORT_GRPC_ADMIN_RPC_H_
