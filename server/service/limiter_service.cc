#include "service/limiter_service.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/rate.h"
#include "service/errors.h"
#include "service/headers.h"
#include "service/stat.h"

namespace sluice {
namespace {

constexpr size_t kMaxThrottles = 64;
constexpr size_t kMaxIdentifier = 1024;
constexpr int kMaxContextEntries = 64;
constexpr size_t kMaxContextEntry = 1024;
constexpr size_t kMaxName = 256;
constexpr absl::string_view kCostRule = "a cost is at most 2^52";

absl::string_view View(const std::string& text) { return text; }

absl::Status CheckContext(const google::protobuf::Map<std::string, std::string>& context) {
  if (context.size() > kMaxContextEntries) {
    return InvalidField("context", "it has more than 64 entries (send at most 64)");
  }
  for (const auto& [key, value] : context) {
    if (key.size() + value.size() > kMaxContextEntry) {
      return InvalidField("context",
                          "an entry is over 1024 bytes, key and value together (shorten it)");
    }
  }
  return absl::OkStatus();
}

template <class Request>
absl::Status CheckCosts(const Request& request) {
  if (request.has_cost() && request.cost() > kMaxAmount) return InvalidField("cost", kCostRule);
  if (request.costs_size() > static_cast<int>(kMaxThrottles)) {
    return InvalidField("costs", "it has more than 64 entries (send at most 64)");
  }
  for (const auto& [uid, cost] : request.costs()) {
    if (cost > kMaxAmount) return InvalidField("costs", kCostRule);
    bool named = false;
    for (const std::string& throttle : request.throttles()) named |= throttle == uid;
    if (!named) {
      return InvalidField("costs", absl::StrCat("'", uid, "' is not among the throttles"));
    }
  }
  return absl::OkStatus();
}

template <class Request>
absl::Status CheckRequestFields(const Request& request) {
  if (request.throttles().empty()) {
    return InvalidField("throttles", "no throttle is named (name at least one uid)");
  }
  if (request.throttles_size() > static_cast<int>(kMaxThrottles)) {
    return InvalidField("throttles", "more than 64 throttles are named (name at most 64)");
  }
  for (const std::string& uid : request.throttles()) {
    if (uid.size() > kMaxName) return InvalidField("throttles", "a uid is over 256 bytes");
  }
  if (request.identifier().size() > kMaxIdentifier) {
    return InvalidField("identifier", "it is over 1024 bytes (shorten it, or send its hash)");
  }
  if (request.tenant().size() > kMaxName) return InvalidField("tenant", "it is over 256 bytes");
  if (!v1::Detail_IsValid(request.detail())) {
    return InvalidField("detail", "it is not a value of sluice.v1.Detail");
  }
  if (absl::Status status = CheckCosts(request); !status.ok()) return status;
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

// Lives from the handler to the reply, and owns itself in between: the answer may come from another
// thread, after the handler has returned.
template <class Request, class Response>
class NativeCall final : public ThrottleCall {
 public:
  NativeCall(Verb asked, const Request& request, const CallContext& door, Response* response,
             Reply reply)
      : detail_(request.detail()), response_(*response), reply_(std::move(reply)) {
    verb = asked;
    now_us = door.now_us;
    deadline_us = door.deadline_us;
    for (const std::string& uid : request.throttles()) throttles.push_back(uid);
    identifier = request.identifier();
    tenant = request.tenant();
    if (request.has_cost()) cost = request.cost();
    for (const auto& [uid, each] : request.costs()) costs.emplace_back(View(uid), each);
    for (const auto& [key, value] : request.context()) {
      context.emplace_back(View(key), View(value));
    }
  }

  void Finish(absl::Status status) override {
    const std::unique_ptr<NativeCall> self(this);
    if (status.ok()) {
      FillResponse(*this, detail_, response_);
      response_.set_config_generation(policy().generation);
    }
    reply_(WithErrorInfo(status));
  }

 private:
  const v1::Detail detail_;
  Response& response_;
  Reply reply_;
};

template <class Request, class Response>
void Decide(Limiter& limiter, ThrottleCall::Verb verb, const Request& request,
            const CallContext& context, Response* response, Reply reply) {
  if (absl::Status status = CheckRequestFields(request); !status.ok()) {
    reply(std::move(status));
    return;
  }
  // Finish takes it back.
  auto* call =
      new NativeCall<Request, Response>(verb, request, context, response, std::move(reply));
  limiter.Decide(*call);
}

}  // namespace

void LimiterService::Hit(const v1::HitRequest& request, const CallContext& context,
                         v1::HitResponse* response, Reply reply) {
  if (!request.idempotency_key().empty()) {
    // To ignore it would charge a retry twice, which the caller asks us not to do.
    reply(absl::UnimplementedError("idempotency_key is not supported yet (leave it empty)"));
    return;
  }
  Decide(limiter_, ThrottleCall::Verb::kHit, request, context, response, std::move(reply));
}

void LimiterService::Check(const v1::CheckRequest& request, const CallContext& context,
                           v1::CheckResponse* response, Reply reply) {
  Decide(limiter_, ThrottleCall::Verb::kCheck, request, context, response, std::move(reply));
}

void LimiterService::Stat(const v1::StatRequest& request, const CallContext& context,
                          v1::StatResponse* response, Reply reply) {
  Decide(limiter_, ThrottleCall::Verb::kStat, request, context, response, std::move(reply));
}

}  // namespace sluice
