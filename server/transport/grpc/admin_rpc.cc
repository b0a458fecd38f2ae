#include "transport/grpc/admin_rpc.h"

#include <utility>

#include "sluice/v1/admin.grpc.pb.h"

namespace sluice {
namespace {

using Context = grpc::CallbackServerContext*;
using Unary = grpc::ServerUnaryReactor*;

class AdminRpc final : public v1::Admin::CallbackService {
 public:
  AdminRpc(AdminService& admin, const CallRunner& runner) : admin_(admin), runner_(runner) {}

  Unary GetPolicy(Context context, const v1::GetPolicyRequest* request,
                  v1::GetPolicyResponse* response) override {
    return Run(context, "GetPolicy", &AdminService::GetPolicy, *request, response);
  }
  Unary ReloadPolicy(Context context, const v1::ReloadPolicyRequest* request,
                     v1::ReloadPolicyResponse* response) override {
    return Run(context, "ReloadPolicy", &AdminService::ReloadPolicy, *request, response);
  }
  Unary ValidatePolicy(Context context, const v1::ValidatePolicyRequest* request,
                       v1::ValidatePolicyResponse* response) override {
    return Run(context, "ValidatePolicy", &AdminService::ValidatePolicy, *request, response);
  }
  Unary ListThrottles(Context context, const v1::ListThrottlesRequest* request,
                      v1::ListThrottlesResponse* response) override {
    return Run(context, "ListThrottles", &AdminService::ListThrottles, *request, response);
  }
  Unary Explain(Context context, const v1::ExplainRequest* request,
                v1::ExplainResponse* response) override {
    return Run(context, "Explain", &AdminService::Explain, *request, response);
  }
  Unary TopKeys(Context context, const v1::TopKeysRequest* request,
                v1::TopKeysResponse* response) override {
    return Run(context, "TopKeys", &AdminService::TopKeys, *request, response);
  }
  Unary SetOverride(Context context, const v1::SetOverrideRequest* request,
                    v1::SetOverrideResponse* response) override {
    return Run(context, "SetOverride", &AdminService::SetOverride, *request, response);
  }
  Unary SetBreaker(Context context, const v1::SetBreakerRequest* request,
                   v1::SetBreakerResponse* response) override {
    return Run(context, "SetBreaker", &AdminService::SetBreaker, *request, response);
  }
  Unary ResetAll(Context context, const v1::ResetAllRequest* request,
                 v1::ResetAllResponse* response) override {
    return Run(context, "ResetAll", &AdminService::ResetAll, *request, response);
  }

 private:
  template <class Request, class Response>
  Unary Run(Context context, absl::string_view method,
            void (AdminService::*handler)(const Request&, const CallContext&, Response*, Reply),
            const Request& request, Response* response) {
    return runner_.Run(*context, method, [&](const CallContext& call, Reply reply) {
      (admin_.*handler)(request, call, response, std::move(reply));
    });
  }

  AdminService& admin_;
  CallRunner runner_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewAdminRpc(AdminService& admin, const CallRunner& runner) {
  return std::make_unique<AdminRpc>(admin, runner);
}

}  // namespace sluice
