#include "service/errors.h"

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "limiter/limiter.h"

namespace sluice {
namespace {

constexpr absl::string_view kTypePrefix = "type.googleapis.com/";
constexpr absl::string_view kDomain = "sluice";
constexpr int64_t kRetrySeconds = 1;

void Attach(absl::Status& status, const google::protobuf::Message& detail) {
  status.SetPayload(absl::StrCat(kTypePrefix, detail.GetTypeName()),
                    absl::Cord(detail.SerializeAsString()));
}

}  // namespace

absl::Status InvalidField(absl::string_view field, absl::string_view description) {
  absl::Status status = absl::InvalidArgumentError(absl::StrCat(field, ": ", description));
  google::rpc::BadRequest detail;
  google::rpc::BadRequest::FieldViolation& violation = *detail.add_field_violations();
  violation.set_field(std::string(field));
  violation.set_description(std::string(description));
  Attach(status, detail);
  return status;
}

absl::Status NotServedYet(absl::string_view method) {
  return absl::UnimplementedError(absl::StrCat(method, " is not served yet by this version"));
}

absl::Status WithErrorInfo(const absl::Status& status) {
  const absl::optional<absl::Cord> reason = status.GetPayload(kReasonPayload);
  if (!reason.has_value()) return status;
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(*reason));
  info.set_domain(std::string(kDomain));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& value) {
    if (url == kReasonPayload || !absl::StartsWith(url, kPayloadPrefix)) return;
    (*info.mutable_metadata())[std::string(url.substr(kPayloadPrefix.size()))] = std::string(value);
  });
  absl::Status shown(status.code(), status.message());
  Attach(shown, info);
  if (status.code() == absl::StatusCode::kUnavailable) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(kRetrySeconds);
    Attach(shown, retry);
  }
  return shown;
}

std::string StatusDetails(const absl::Status& status) {
  google::rpc::Status details;
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& value) {
    if (!absl::StartsWith(url, kTypePrefix)) return;
    google::protobuf::Any& any = *details.add_details();
    any.set_type_url(std::string(url));
    any.set_value(std::string(value));
  });
  if (details.details().empty()) return {};
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message()));
  return details.SerializeAsString();
}

}  // namespace sluice
