#include "service/limiter_service.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/bounds.h"
#include "service/errors.h"
#include "service/headers.h"
#include "service/native_call.h"
#include "service/stat.h"

namespace sluice {
namespace {

using Verb = ThrottleRequest::Verb;

template <class Request>
absl::Status CheckFields(const Request& request) {
  if (absl::Status status = CheckThrottles(request.throttles()); !status.ok()) return status;
  if (absl::Status status = CheckIdentifier(request.identifier()); !status.ok()) return status;
  if (absl::Status status = CheckTenant(request.tenant()); !status.ok()) return status;
  if (absl::Status status = CheckDetail(request.detail()); !status.ok()) return status;
  if (absl::Status status = CheckCost(request.cost()); !status.ok()) return status;
  if (absl::Status status = CheckCosts(request.costs()); !status.ok()) return status;
  for (const auto& [uid, cost] : request.costs()) {
    bool named = false;
    for (const std::string& throttle : request.throttles()) named |= throttle == uid;
    if (!named) {
      return InvalidField("costs", absl::StrCat("'", uid, "' is not among the throttles"));
    }
  }
  return CheckContext(request.context());
}

void FillResponse(const ThrottleCall& call, v1::Detail detail, v1::StatResponse& response) {
  for (const Line& line : call.lines()) {
    FillResult(line, detail != v1::DETAIL_DECISION, *response.add_results());
  }
}

template <class Response>
void FillResponse(const ThrottleCall& call, v1::Detail detail, Response& response) {
  response.set_allowed(call.allowed());
  if (call.limited_by() != nullptr) response.set_limited_by(call.limited_by()->throttle->uid);
  response.set_wait_ms(ToMs(call.wait_us()));
  if (detail == v1::DETAIL_DECISION) return;
  for (const Line& line : call.lines()) FillResult(line, true, *response.add_results());
  if (detail == v1::DETAIL_STAT) return;
  ForEachHeader(call, [&](absl::string_view name, absl::string_view value) {
    v1::Header& header = *response.add_headers();
    header.set_name(std::string(name));
    header.set_value(std::string(value));
  });
}

// `standard` is the detail of a request that does not say.
template <class Request, class Response>
void Decide(Limiter& limiter, Verb verb, const Request& request, const CallContext& context,
            v1::Detail standard, Response* response, Reply reply) {
  if (absl::Status status = CheckFields(request); !status.ok()) {
    reply(std::move(status));
    return;
  }
  const v1::Detail detail =
      request.detail() == v1::DETAIL_UNSPECIFIED ? standard : request.detail();
  auto* call =
      NewNativeCall(context, std::move(reply), [response, detail](const ThrottleCall& decided) {
        FillResponse(decided, detail, *response);
        response->set_config_generation(decided.policy().generation);
      });
  call->verb = verb;
  ReadHit(request, *call);
  limiter.Decide(*call);
}

void DecideHit(Limiter& limiter, const v1::HitRequest& request, const CallContext& context,
               v1::Detail standard, v1::HitResponse* response, Reply reply) {
  if (!request.idempotency_key().empty()) {
    // To ignore it would charge a retry twice, which the caller asks us not to do.
    reply(absl::UnimplementedError("idempotency_key is not supported yet (leave it empty)"));
    return;
  }
  Decide(limiter, Verb::kHit, request, context, standard, response, std::move(reply));
}

// The answers of a batch: `decide(request, response, reply)` is asked for each.
template <class Request, class Response, class DecideOne>
void Batch(const Request& request, Response* response, Reply reply, DecideOne decide) {
  if (absl::Status status = CheckBatch(request.requests_size()); !status.ok()) {
    reply(std::move(status));
    return;
  }
  struct Open {
    explicit Open(Reply to) : reply(std::move(to)) {}
    ~Open() { reply(absl::OkStatus()); }
    Reply reply;
  };
  // Whoever lets go of it last has the last answer.
  const auto open = std::make_shared<Open>(std::move(reply));
  response->mutable_results()->Reserve(request.requests_size());
  for (int i = 0; i < request.requests_size(); ++i) response->add_results();
  for (int i = 0; i < request.requests_size(); ++i) {
    auto* result = response->mutable_results(i);
    decide(request.requests(i), result->mutable_response(),
           [result, open](const absl::Status& status) {
             if (status.ok()) return;
             result->mutable_error()->set_code(static_cast<int>(status.code()));
             result->mutable_error()->set_message(std::string(status.message()));
           });
  }
}

}  // namespace

void LimiterService::Hit(const v1::HitRequest& request, const CallContext& context,
                         v1::HitResponse* response, Reply reply) {
  DecideHit(limiter_, request, context, v1::DETAIL_FULL, response, std::move(reply));
}

void LimiterService::Check(const v1::CheckRequest& request, const CallContext& context,
                           v1::CheckResponse* response, Reply reply) {
  Decide(limiter_, Verb::kCheck, request, context, v1::DETAIL_FULL, response, std::move(reply));
}

void LimiterService::Stat(const v1::StatRequest& request, const CallContext& context,
                          v1::StatResponse* response, Reply reply) {
  Decide(limiter_, Verb::kStat, request, context, v1::DETAIL_FULL, response, std::move(reply));
}

void LimiterService::BatchHit(const v1::BatchHitRequest& request, const CallContext& context,
                              v1::BatchHitResponse* response, Reply reply) {
  Batch(request, response, std::move(reply), [&](const auto& one, auto* to, Reply done) {
    DecideHit(limiter_, one, context, v1::DETAIL_DECISION, to, std::move(done));
  });
}

void LimiterService::BatchCheck(const v1::BatchCheckRequest& request, const CallContext& context,
                                v1::BatchCheckResponse* response, Reply reply) {
  Batch(request, response, std::move(reply), [&](const auto& one, auto* to, Reply done) {
    Decide(limiter_, Verb::kCheck, one, context, v1::DETAIL_DECISION, to, std::move(done));
  });
}

void LimiterService::BatchStat(const v1::BatchStatRequest& request, const CallContext& context,
                               v1::BatchStatResponse* response, Reply reply) {
  Batch(request, response, std::move(reply), [&](const auto& one, auto* to, Reply done) {
    Decide(limiter_, Verb::kStat, one, context, v1::DETAIL_DECISION, to, std::move(done));
  });
}

}  // namespace sluice
