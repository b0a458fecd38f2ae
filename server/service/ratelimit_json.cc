#include "service/ratelimit_json.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "service/rate_unit.h"
#include "sluice/internal/rls_json.pb.h"

namespace sluice {
namespace {

namespace rls = envoy::service::ratelimit::v3;

struct JsonCall {
  rls::RateLimitRequest request;
  rls::RateLimitResponse response;
  absl::AnyInvocable<void(JsonAnswer)> answer;
};

JsonAnswer BadRequest() { return {400, "text/plain; charset=utf-8", "Bad Request\n"}; }

// The text form has the same wire as ours, which has bytes where JSON has text.
bool Parse(absl::string_view json, rls::RateLimitRequest& request) {
  internal::JsonRateLimitRequest text;
  const google::protobuf::StringPiece piece(json.data(), json.size());
  return google::protobuf::util::JsonStringToMessage(piece, &text).ok() &&
         request.ParseFromString(text.SerializeAsString());
}

JsonAnswer Show(const rls::RateLimitResponse& response) {
  JsonAnswer answer;
  answer.content_type = "application/json";
  answer.http_status = response.overall_code() == rls::RateLimitResponse::OK ? 200 : 429;
  if (!google::protobuf::util::MessageToJsonString(response, &answer.body).ok())
    return BadRequest();
  return answer;
}

}  // namespace

void ShouldRateLimitJson(RateLimitService& service, absl::string_view body,
                         const CallContext& context, absl::AnyInvocable<void(JsonAnswer)> answer) {
  auto call = std::make_shared<JsonCall>();
  call->answer = std::move(answer);
  if (!Parse(body, call->request)) {
    call->answer(BadRequest());
    return;
  }
  service.ShouldRateLimit(call->request, context, &call->response,
                          [call](const absl::Status& status) {
                            call->answer(status.ok() ? Show(call->response) : BadRequest());
                          });
}

std::string DescribeDomains(const PolicySet& policy) {
  std::string out;
  for (const Domain& domain : policy.domains) {
    for (const DescriptorLimit* limit : domain.Limits()) {
      const RateUnit unit = limit->limit ? UnitOf(limit->limit->rate()) : RateUnit{};
      const int64_t hits = limit->limit ? limit->limit->rate().limit() : 0;
      absl::StrAppend(&out, domain.name(), ".", limit->path,
                      ": unit=", rls::RateLimitResponse::RateLimit::Unit_Name(unit.unit),
                      " requests_per_unit=", hits,
                      ", shadow_mode: ", limit->shadow ? "true" : "false", ", quota_mode: false",
                      limit->unlimited ? ", unlimited: true" : "", "\n");
    }
  }
  return out;
}

}  // namespace sluice
