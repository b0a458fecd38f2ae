#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "service/bounds.h"
#include "service/headers.h"
#include "service/limiter_service.h"
#include "service/native_call.h"
#include "service/stat.h"

namespace sluice {
namespace {

constexpr uint32_t kOk = 200;
constexpr uint32_t kUnavailable = 503;
constexpr size_t kMaxMethod = 64;
constexpr size_t kMaxPath = 8 << 10;
constexpr size_t kMaxAddress = 256;

absl::Status CheckFields(const v1::ShouldLimitRequest& request) {
  if (absl::Status status = CheckIdentifier(request.identifier()); !status.ok()) return status;
  if (absl::Status status = CheckTenant(request.tenant()); !status.ok()) return status;
  if (absl::Status status = CheckDetail(request.detail()); !status.ok()) return status;
  if (request.method().size() > kMaxMethod) {
    return InvalidField("method", "it is over 64 bytes");
  }
  // Anyone may send a long query, which is cut off: that must not be an error.
  if (request.path().substr(0, request.path().find_first_of("?#")).size() > kMaxPath) {
    return InvalidField("path", "it is over 8192 bytes without its query");
  }
  if (request.remote_address().size() > kMaxAddress) {
    return InvalidField("remote_address", "it is over 256 bytes");
  }
  if (absl::Status status = CheckCost(request.cost()); !status.ok()) return status;
  if (absl::Status status = CheckCosts(request.costs()); !status.ok()) return status;
  if (absl::Status status = CheckHeaders(request.headers()); !status.ok()) return status;
  return CheckContext(request.context());
}

// Nothing was over its limit: only backends failed.
bool OnlyErrorsDeny(const ThrottleCall& call) {
  return std::none_of(call.lines().begin(), call.lines().end(),
                      [](const Line& line) { return line.outcome == Outcome::kDenied; });
}

// `{throttle}` and `{retry_after}` in a body or a header.
std::string Filled(absl::string_view text, const ThrottleCall& call) {
  const std::string seconds =
      call.wait_us() == kNever ? "-1" : absl::StrCat(CeilSeconds(call.wait_us()));
  return absl::StrReplaceAll(
      text, {{"{throttle}", call.limited_by()->throttle->uid}, {"{retry_after}", seconds}});
}

void FillDenial(const ThrottleCall& call, v1::ShouldLimitResponse& response) {
  const DenialResponse& denial = call.limited_by()->throttle->response;
  response.set_should_limit(true);
  response.set_limited_by(call.limited_by()->throttle->uid);
  response.set_http_status(OnlyErrorsDeny(call) ? kUnavailable
                                                : static_cast<uint32_t>(denial.status));
  if (denial.body.empty()) return;
  response.set_content_type(denial.content_type);
  response.set_body(Filled(denial.body, call));
}

void AddHeader(absl::string_view name, std::string value, v1::ShouldLimitResponse& response) {
  v1::Header& header = *response.add_headers();
  header.set_name(std::string(name));
  header.set_value(std::move(value));
}

void FillResponse(const ThrottleCall& call, v1::Detail detail, v1::ShouldLimitResponse& response) {
  response.set_config_generation(call.policy().generation);
  response.set_http_status(kOk);
  response.set_wait_ms(ToMs(call.wait_us()));
  if (!call.allowed()) FillDenial(call, response);
  if (detail == v1::DETAIL_DECISION) return;
  for (const Line& line : call.lines()) FillResult(line, true, *response.add_results());
  if (detail == v1::DETAIL_STAT) return;
  ForEachHeader(call, [&](absl::string_view name, absl::string_view value) {
    AddHeader(name, std::string(value), response);
  });
  if (call.allowed()) return;
  for (const auto& [name, value] : call.limited_by()->throttle->response.headers) {
    AddHeader(name, Filled(value, call), response);
  }
}

}  // namespace

void LimiterService::ShouldLimit(const v1::ShouldLimitRequest& request, const CallContext& context,
                                 v1::ShouldLimitResponse* response, Reply reply) {
  if (absl::Status status = CheckFields(request); !status.ok()) {
    reply(std::move(status));
    return;
  }
  auto* call = NewNativeCall(context, std::move(reply),
                             [response, detail = request.detail()](const ThrottleCall& decided) {
                               FillResponse(decided, detail, *response);
                             });
  ReadShouldLimit(request, *call);
  limiter_.Decide(*call);
}

}  // namespace sluice
