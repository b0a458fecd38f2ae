#include "transport/grpc/health_rpc.h"

#include <string>
#include <utility>

#include "absl/types/optional.h"
#include "core/mutex.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace sluice {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// One open Watch. It writes the status whenever it differs from what it wrote last; what changes
// while a write is under way is seen when that ends. It keeps itself alive until OnDone, and
// whoever tells it of a change keeps it alive meanwhile.
//
// gRPC may call back from within StartWrite and Finish, so the lock is not held there.
class WatchReactor final : public grpc::ServerWriteReactor<HealthCheckResponse>,
                           public HealthWatcher {
 public:
  static grpc::ServerWriteReactor<HealthCheckResponse>* Start(HealthService& health,
                                                              std::string service) {
    auto reactor = std::make_shared<WatchReactor>(health, std::move(service));
    reactor->self_ = reactor;
    health.Watch(reactor);
    reactor->OnChange();
    return reactor.get();
  }

  WatchReactor(HealthService& health, std::string service)
      : health_(health), service_(std::move(service)) {}

  void OnChange() override { Advance(absl::nullopt); }
  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(mutex_);
      writing_ = false;
    }
    Advance(ok ? absl::nullopt : absl::make_optional(grpc::Status::CANCELLED));
  }
  void OnCancel() override { Advance(grpc::Status::CANCELLED); }
  void OnDone() override {
    health_.Unwatch(*this);
    const std::shared_ptr<WatchReactor> self = std::move(self_);
  }

 private:
  enum class Next { kNothing, kWrite, kFinish };

  // Decides under the lock what is next, and does it without.
  void Advance(const absl::optional<grpc::Status>& end) {
    Next next = Next::kNothing;
    {
      MutexLock lock(mutex_);
      if (finished_) return;
      if (end.has_value()) end_ = end;
      if (!writing_) next = NextStep();
    }
    if (next == Next::kWrite) StartWrite(&response_);
    if (next == Next::kFinish) Finish(*end_);
  }

  Next NextStep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const absl::optional<HealthService::ServingStatus> now = health_.Status(service_);
    if (!end_.has_value() && !now.has_value()) {
      end_ = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server shuts down");
    }
    if (end_.has_value()) {
      finished_ = true;
      return Next::kFinish;
    }
    if (written_ == now) return Next::kNothing;
    written_ = now;
    writing_ = true;
    response_.set_status(*now);
    return Next::kWrite;
  }

  HealthService& health_;
  const std::string service_;
  std::shared_ptr<WatchReactor> self_;
  HealthCheckResponse response_;      // changed only while nothing is being written
  absl::optional<grpc::Status> end_;  // changed only until finished_

  Mutex mutex_;
  absl::optional<HealthService::ServingStatus> written_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

class HealthRpc final : public grpc::health::v1::Health::CallbackService {
 public:
  HealthRpc(const GrpcHandlers& to, const CallRunner& runner)
      : health_(to.health), runner_(runner) {}

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const HealthCheckRequest* request,
                                  HealthCheckResponse* response) override {
    return runner_.Run(*context, "Health/Check", [&](const CallContext& call, Reply reply) {
      health_.Check(*request, call, response, std::move(reply));
    });
  }
  grpc::ServerWriteReactor<HealthCheckResponse>* Watch(grpc::CallbackServerContext*,
                                                       const HealthCheckRequest* request) override {
    return WatchReactor::Start(health_, request->service());
  }

 private:
  HealthService& health_;
  CallRunner runner_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewHealthRpc(const GrpcHandlers& handlers,
                                            const CallRunner& runner) {
  return std::make_unique<HealthRpc>(handlers, runner);
}

}  // namespace sluice
