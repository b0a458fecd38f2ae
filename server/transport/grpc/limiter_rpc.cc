#include "transport/grpc/limiter_rpc.h"

#include <utility>

#include "envoy/service/ratelimit/v3/rls.grpc.pb.h"
#include "sluice/v1/limiter.grpc.pb.h"

namespace sluice {
namespace {

using Context = grpc::CallbackServerContext*;
using Unary = grpc::ServerUnaryReactor*;

// Ends a stream at once, with nothing sent.
class RefusedStream final : public grpc::ServerBidiReactor<v1::HitRequest, v1::HitResult> {
 public:
  explicit RefusedStream(absl::string_view method) { Finish(ToGrpc(NotServedYet(method))); }
  void OnDone() override { delete this; }
};

class LimiterRpc final : public v1::Limiter::CallbackService {
 public:
  LimiterRpc(const GrpcHandlers& to, const CallRunner& runner)
      : limiter_(to.limiter), runner_(runner) {}

  Unary Hit(Context context, const v1::HitRequest* request, v1::HitResponse* response) override {
    return runner_.Run(*context, "Hit", [&](const CallContext& call, Reply reply) {
      limiter_.Hit(*request, call, response, std::move(reply));
    });
  }
  Unary Check(Context context, const v1::CheckRequest* request,
              v1::CheckResponse* response) override {
    return runner_.Run(*context, "Check", [&](const CallContext& call, Reply reply) {
      limiter_.Check(*request, call, response, std::move(reply));
    });
  }
  Unary Stat(Context context, const v1::StatRequest* request, v1::StatResponse* response) override {
    return runner_.Run(*context, "Stat", [&](const CallContext& call, Reply reply) {
      limiter_.Stat(*request, call, response, std::move(reply));
    });
  }

  Unary ShouldLimit(Context context, const v1::ShouldLimitRequest* request,
                    v1::ShouldLimitResponse* response) override {
    return runner_.Run(*context, "ShouldLimit", [&](const CallContext& call, Reply reply) {
      limiter_.ShouldLimit(*request, call, response, std::move(reply));
    });
  }
  Unary BatchHit(Context context, const v1::BatchHitRequest* request,
                 v1::BatchHitResponse* response) override {
    return runner_.Run(*context, "BatchHit", [&](const CallContext& call, Reply reply) {
      limiter_.BatchHit(*request, call, response, std::move(reply));
    });
  }
  Unary BatchCheck(Context context, const v1::BatchCheckRequest* request,
                   v1::BatchCheckResponse* response) override {
    return runner_.Run(*context, "BatchCheck", [&](const CallContext& call, Reply reply) {
      limiter_.BatchCheck(*request, call, response, std::move(reply));
    });
  }
  Unary BatchStat(Context context, const v1::BatchStatRequest* request,
                  v1::BatchStatResponse* response) override {
    return runner_.Run(*context, "BatchStat", [&](const CallContext& call, Reply reply) {
      limiter_.BatchStat(*request, call, response, std::move(reply));
    });
  }
  grpc::ServerBidiReactor<v1::HitRequest, v1::HitResult>* HitStream(Context) override {
    return new RefusedStream("HitStream");
  }
  Unary Reserve(Context context, const v1::ReserveRequest*, v1::ReserveResponse*) override {
    return runner_.Refuse(*context, "Reserve");
  }
  Unary Commit(Context context, const v1::CommitRequest*, v1::CommitResponse*) override {
    return runner_.Refuse(*context, "Commit");
  }
  Unary Cancel(Context context, const v1::CancelRequest*, v1::CancelResponse*) override {
    return runner_.Refuse(*context, "Cancel");
  }
  Unary Reset(Context context, const v1::ResetRequest* request,
              v1::ResetResponse* response) override {
    return runner_.Run(*context, "Reset", [&](const CallContext& call, Reply reply) {
      limiter_.Reset(*request, call, response, std::move(reply));
    });
  }

 private:
  LimiterService& limiter_;
  CallRunner runner_;
};

class RateLimitRpc final : public envoy::service::ratelimit::v3::RateLimitService::CallbackService {
 public:
  RateLimitRpc(const GrpcHandlers& to, const CallRunner& runner)
      : ratelimit_(to.ratelimit), runner_(runner) {}

  Unary ShouldRateLimit(Context context,
                        const envoy::service::ratelimit::v3::RateLimitRequest* request,
                        envoy::service::ratelimit::v3::RateLimitResponse* response) override {
    return runner_.Run(*context, "ShouldRateLimit", [&](const CallContext& call, Reply reply) {
      ratelimit_.ShouldRateLimit(*request, call, response, std::move(reply));
    });
  }

 private:
  RateLimitService& ratelimit_;
  CallRunner runner_;
};

}  // namespace

std::vector<std::unique_ptr<grpc::Service>> NewDecisionServices(const GrpcHandlers& handlers,
                                                                const CallRunner& runner) {
  std::vector<std::unique_ptr<grpc::Service>> services;
  services.push_back(std::make_unique<LimiterRpc>(handlers, runner));
  services.push_back(std::make_unique<RateLimitRpc>(handlers, runner));
  return services;
}

}  // namespace sluice
