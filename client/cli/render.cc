#include "cli/render.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "cli/arguments.h"
#include "cli/table.h"
#include "cli/text.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/rpc/error_details.pb.h"

namespace sluice::cli {
namespace {

using ::envoy::service::ratelimit::v3::RateLimitRequest;
using ::envoy::service::ratelimit::v3::RateLimitResponse;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::RepeatedPtrField;

double Milliseconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) * 1e3 + duration.nanos() / 1e6;
}

std::string OrAbsent(const std::string& text) { return text.empty() ? std::string(kAbsent) : text; }

// OUTCOME_SHADOW_DENIED: "shadow denied".
std::string OutcomeText(v1::Outcome outcome) {
  if (!v1::Outcome_IsValid(outcome)) return absl::StrCat("outcome ", static_cast<int>(outcome));
  const std::string name = v1::Outcome_Name(outcome);
  return absl::StrReplaceAll(absl::AsciiStrToLower(absl::StripPrefix(name, "OUTCOME_")),
                             {{"_", " "}});
}

Color OutcomeColor(v1::Outcome outcome) {
  switch (outcome) {
    case v1::OUTCOME_ALLOWED:
      return Color::kGreen;
    case v1::OUTCOME_DENIED:
    case v1::OUTCOME_ERROR_DENIED:
      return Color::kRed;
    case v1::OUTCOME_SHADOW_DENIED:
    case v1::OUTCOME_ERROR_ALLOWED:
      return Color::kYellow;
    default:
      return Color::kNone;
  }
}

std::string RateText(const v1::Rate& rate) {
  return rate.unlimited() ? "unlimited" : OrAbsent(rate.text());
}

std::string ResultsTable(const RepeatedPtrField<v1::ThrottleResult>& results, bool color) {
  if (results.empty()) return "";
  Table table({{"THROTTLE"},
               {"OUTCOME"},
               {"REMAINING", Table::Align::kRight},
               {"LIMIT", Table::Align::kRight},
               {"WAIT", Table::Align::kRight},
               {"RESET", Table::Align::kRight},
               {"COST", Table::Align::kRight}});
  for (const v1::ThrottleResult& result : results) {
    const v1::StrategyStat& stat = result.stat();
    const std::string absent(kAbsent);
    const bool known = result.has_stat();
    table.AddRow({{result.throttle()},
                  {OutcomeText(result.outcome()), OutcomeColor(result.outcome())},
                  {known ? FormatNumber(stat.hits_remaining()) : absent},
                  {known ? RateText(stat.rate()) : absent},
                  {known ? FormatDuration(stat.wait_ms()) : absent},
                  {known ? FormatDuration(stat.reset_ms()) : absent},
                  {absl::StrCat(result.cost())}});
  }
  return table.ToString(color);
}

std::string HeaderLines(const std::vector<std::pair<std::string, std::string>>& headers) {
  std::string out;
  for (const auto& [name, value] : headers) {
    absl::StrAppend(&out, Printable(name), ": ", Printable(value), "\n");
  }
  return out;
}

std::string HeaderLines(const RepeatedPtrField<v1::Header>& headers) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const v1::Header& header : headers) pairs.emplace_back(header.name(), header.value());
  return HeaderLines(pairs);
}

std::string WaitText(double wait_ms) {
  return std::isinf(wait_ms) ? ", this can never pass"
                             : absl::StrCat(", retry in ", FormatDuration(wait_ms));
}

std::string ByText(const std::string& limited_by) {
  return limited_by.empty() ? "" : absl::StrCat(" by ", Printable(limited_by));
}

// HitResponse and CheckResponse have the same fields.
template <class Response>
std::string DecisionText(const Response& response, bool color) {
  const std::string decision =
      response.allowed()
          ? Paint("allowed", Color::kGreen, color)
          : absl::StrCat(Paint("denied", Color::kRed, color), ByText(response.limited_by()),
                         WaitText(response.wait_ms()));
  return absl::StrCat(decision, "\n", ResultsTable(response.results(), color),
                      HeaderLines(response.headers()));
}

std::string KeysResetText(uint64_t keys) {
  return absl::StrCat(keys, keys == 1 ? " key" : " keys", " reset\n");
}

// As it would stand behind the headers; its lines stay lines.
std::string BodyText(const v1::ShouldLimitResponse& response) {
  if (response.body().empty()) return "";
  std::string out = absl::StrCat("Content-Type: ", Printable(response.content_type()), "\n\n");
  for (const absl::string_view line :
       absl::StrSplit(absl::StripSuffix(response.body(), "\n"), '\n')) {
    absl::StrAppend(&out, Printable(line), "\n");
  }
  return out;
}

// Whether a metadata field is in ms since the Unix epoch; the other `_ms` are durations.
bool IsInstant(absl::string_view field) {
  return absl::StartsWith(field, "last_") || absl::EndsWith(field, "_start_ms") ||
         absl::EndsWith(field, "_end_ms") || absl::EndsWith(field, "_entry_ms") ||
         field == "tat_ms";
}

std::string MetadataValue(const Message& metadata, const FieldDescriptor& field) {
  const auto& reflection = *metadata.GetReflection();
  if (field.has_presence() && !reflection.HasField(metadata, &field)) return std::string(kAbsent);
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const double value = reflection.GetDouble(metadata, &field);
      const std::string number = FormatNumber(value);
      return IsInstant(field.name()) ? absl::StrCat(number, "  (", FormatInstant(value), ")")
                                     : number;
    }
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(reflection.GetUInt64(metadata, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(metadata, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_STRING:
      return OrAbsent(reflection.GetString(metadata, &field));
    default:
      return std::string(kAbsent);
  }
}

// The message of the `metadata` oneof that is set; nullptr for none.
const Message* MetadataOf(const v1::StrategyStat& stat) {
  const auto* oneof = v1::StrategyStat::descriptor()->FindOneofByName("metadata");
  const FieldDescriptor* field = stat.GetReflection()->GetOneofFieldDescriptor(stat, oneof);
  return field == nullptr ? nullptr : &stat.GetReflection()->GetMessage(stat, field);
}

std::string StrategyBlock(const v1::StrategyStat& stat) {
  std::string out = absl::StrCat("\n", Printable(stat.throttle()));
  if (!stat.strategy().empty()) absl::StrAppend(&out, ": ", Printable(stat.strategy()));
  absl::StrAppend(&out, "\n");
  Table table({{""}, {""}});
  table.AddRow({{"key"}, {OrAbsent(stat.key())}});
  if (const Message* metadata = MetadataOf(stat); metadata != nullptr) {
    for (int i = 0; i < metadata->GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor& field = *metadata->GetDescriptor()->field(i);
      if (field.name() == "strategy") continue;  // the headline says it
      table.AddRow({{field.name()}, {MetadataValue(*metadata, field)}});
    }
  }
  absl::StrAppend(&out, table.ToString(false, "  "));
  return out;
}

std::string CodeText(RateLimitResponse::Code code) {
  return RateLimitResponse::Code_IsValid(code) ? RateLimitResponse::Code_Name(code)
                                               : absl::StrCat("code ", static_cast<int>(code));
}

Color CodeColor(RateLimitResponse::Code code) {
  switch (code) {
    case RateLimitResponse::OK:
      return Color::kGreen;
    case RateLimitResponse::OVER_LIMIT:
      return Color::kRed;
    default:
      return Color::kYellow;
  }
}

// "10/hour", "10/5 minutes".
std::string LimitText(const RateLimitResponse::RateLimit& limit) {
  const std::string unit =
      RateLimitResponse::RateLimit::Unit_IsValid(limit.unit())
          ? absl::AsciiStrToLower(RateLimitResponse::RateLimit::Unit_Name(limit.unit()))
          : absl::StrCat("unit ", static_cast<int>(limit.unit()));
  if (limit.has_unit_multiplier() && limit.unit_multiplier().value() != 1) {
    return absl::StrCat(limit.requests_per_unit(), "/", limit.unit_multiplier().value(), " ", unit,
                        "s");
  }
  return absl::StrCat(limit.requests_per_unit(), "/", unit);
}

std::vector<Table::Cell> StatusRow(const std::string& descriptor,
                                   const RateLimitResponse::DescriptorStatus& status) {
  const bool limited = status.has_current_limit();
  // How the protocol says "unlimited"; a descriptor without any limit says nothing.
  const bool unlimited = !limited && status.limit_remaining() == UINT32_MAX;
  const std::string other(unlimited ? "unlimited" : kAbsent);
  return {{descriptor},
          {CodeText(status.code()), CodeColor(status.code())},
          {limited ? absl::StrCat(status.limit_remaining()) : other},
          {limited ? LimitText(status.current_limit()) : other},
          {status.has_duration_until_reset()
               ? FormatDuration(Milliseconds(status.duration_until_reset()))
               : std::string(kAbsent)},
          {OrAbsent(status.current_limit().name())}};
}

// "Connection refused" of "failed to connect to all addresses; last error: UNKNOWN: ...", and
// "certificate verify failed" of "...: error:0A000086:SSL routines::certificate verify failed".
absl::string_view LastReason(absl::string_view message) {
  for (const absl::string_view separator : {": ", "routines::"}) {
    const size_t found = message.rfind(separator);
    if (found != absl::string_view::npos) message.remove_prefix(found + separator.size());
  }
  return message;
}

// What may be the matter when there is no connection.
absl::string_view ConnectHint(absl::string_view message) {
  if (absl::StrContains(message, "SSL")) {
    return "TLS failed: does the server speak it? see --tls-ca, --tls-cert and --tls-key";
  }
  if (absl::EndsWith(message, "Socket closed")) {
    return "the server hung up: does it want TLS? see --tls-ca and --tls-cert";
  }
  return "is sluiced running? try make run";
}

// What the message does not say already.
std::string DetailLines(const CallStatus& status) {
  std::string out;
  for (const auto& any : status.details.details()) {
    google::rpc::BadRequest bad_request;
    google::rpc::RetryInfo retry;
    if (any.UnpackTo(&bad_request)) {
      for (const auto& violation : bad_request.field_violations()) {
        const std::string line = absl::StrCat(violation.field(), ": ", violation.description());
        if (line != status.message) absl::StrAppend(&out, "  ", Printable(line), "\n");
      }
    } else if (any.UnpackTo(&retry)) {
      absl::StrAppend(&out, "  retry in ", FormatDuration(Milliseconds(retry.retry_delay())), "\n");
    }
  }
  return out;
}

}  // namespace

std::string Render(const v1::HitRequest&, const v1::HitResponse& response, bool color) {
  return DecisionText(response, color);
}

std::string Render(const v1::CheckRequest&, const v1::CheckResponse& response, bool color) {
  return DecisionText(response, color);
}

std::string Render(const v1::StatRequest&, const v1::StatResponse& response, bool color) {
  std::string out = ResultsTable(response.results(), color);
  for (const v1::ThrottleResult& result : response.results()) {
    if (result.has_stat()) absl::StrAppend(&out, StrategyBlock(result.stat()));
  }
  return out;
}

std::string Render(const v1::ShouldLimitRequest&, const v1::ShouldLimitResponse& response,
                   bool color) {
  const std::string decision =
      response.should_limit()
          ? absl::StrCat(Paint("limited", Color::kRed, color), ByText(response.limited_by()),
                         ", answer ", response.http_status(), WaitText(response.wait_ms()))
          : Paint("allowed", Color::kGreen, color);
  return absl::StrCat(decision, "\n", ResultsTable(response.results(), color),
                      HeaderLines(response.headers()), BodyText(response));
}

std::string Render(const v1::ResetRequest&, const v1::ResetResponse& response, bool) {
  return KeysResetText(response.keys_reset());
}

std::string Render(const v1::ResetAllRequest&, const v1::ResetAllResponse& response, bool) {
  return KeysResetText(response.keys_reset());
}

std::string Render(const RateLimitRequest& request, const RateLimitResponse& response, bool color) {
  std::string out = absl::StrCat(
      Paint(CodeText(response.overall_code()), CodeColor(response.overall_code()), color), "\n");
  Table table({{"DESCRIPTOR"},
               {"CODE"},
               {"REMAINING", Table::Align::kRight},
               {"LIMIT", Table::Align::kRight},
               {"RESET", Table::Align::kRight},
               {"NAME"}});
  for (int i = 0; i < response.statuses_size(); ++i) {
    const bool asked = i < request.descriptors_size();
    table.AddRow(StatusRow(asked ? FormatDescriptor(request.descriptors(i)) : std::string(kAbsent),
                           response.statuses(i)));
  }
  if (response.statuses_size() > 0) absl::StrAppend(&out, table.ToString(color));
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& header : response.response_headers_to_add()) {
    headers.emplace_back(header.key(), header.value());
  }
  absl::StrAppend(&out, HeaderLines(headers));
  return out;
}

std::string RenderJson(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string out;
  // It fails only on an Any of an unknown type; no answer holds one.
  google::protobuf::util::MessageToJsonString(message, &out, options);
  return out;
}

std::string RenderError(const std::string& address, const CallStatus& status) {
  if (status.unreachable) {
    return absl::StrCat("sluicectl: cannot reach ", Printable(address), ": ",
                        Printable(LastReason(status.message)), " (", ConnectHint(status.message),
                        ")\n");
  }
  const bool late = status.code == absl::StatusCode::kDeadlineExceeded;
  return absl::StrCat("sluicectl: ", absl::StatusCodeToString(status.code), ": ",
                      Printable(status.message), late ? " (--timeout allows more)" : "", "\n",
                      DetailLines(status));
}

}  // namespace sluice::cli
