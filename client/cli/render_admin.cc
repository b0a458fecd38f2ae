// The answers of sluice.v1.Admin.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "cli/explain_text.h"
#include "cli/render.h"
#include "cli/table.h"
#include "cli/text.h"
#include "google/protobuf/timestamp.pb.h"
#include "policy/loader.h"

namespace sluice::cli {
namespace {

std::string Instant(const google::protobuf::Timestamp& timestamp) {
  return FormatInstant(static_cast<double>(timestamp.seconds()) * 1e3 + timestamp.nanos() / 1e6);
}

// As `validate` prints it.
std::string ErrorText(const v1::PolicyError& error) {
  const PolicyError same{
      {error.file(), static_cast<int>(error.line()), static_cast<int>(error.column())},
      error.message(),
      error.hint()};
  return Printable(same.ToString());
}

// "rate 100/min, shadow true"; empty when it changes nothing.
std::string ChangesText(const v1::Override& change) {
  const auto word = [](bool flag) { return flag ? "true" : "false"; };
  std::vector<std::string> changes;
  if (change.has_enabled()) changes.push_back(absl::StrCat("enabled ", word(change.enabled())));
  if (change.has_shadow()) changes.push_back(absl::StrCat("shadow ", word(change.shadow())));
  if (change.has_rate()) changes.push_back(absl::StrCat("rate ", Printable(change.rate())));
  if (change.has_cost()) changes.push_back(absl::StrCat("cost ", change.cost()));
  return absl::StrJoin(changes, ", ");
}

std::string OverrideText(const v1::Override& change) {
  const std::string changes = ChangesText(change);
  const std::string uid = Printable(change.throttle());
  if (changes.empty()) return absl::StrCat(uid, ": as the configuration has it");
  return absl::StrCat(uid, ": ", changes, ", until ", Instant(change.ends_at()));
}

}  // namespace

std::string Render(const v1::ExplainRequest&, const v1::ExplainResponse& response, bool color) {
  return ExplainText(response, color);
}

std::string Render(const v1::GetPolicyRequest&, const v1::GetPolicyResponse& response, bool) {
  std::string out = absl::StrCat("# generation: ", response.generation(), "\n",  //
                                 "# hash: ", Printable(response.content_hash()), "\n");
  if (response.has_loaded_at()) {
    absl::StrAppend(&out, "# loaded at: ", Instant(response.loaded_at()), "\n");
  }
  if (response.stale()) {
    absl::StrAppend(&out, "# stale: the files have changed since, and do not load:\n");
  }
  for (const v1::PolicyError& error : response.errors()) {
    absl::StrAppend(&out, "#   ", ErrorText(error), "\n");
  }
  for (const v1::Override& change : response.overrides()) {
    absl::StrAppend(&out, "# override: ", OverrideText(change), "\n");
  }
  return absl::StrCat(out, response.yaml());
}

std::string Render(const v1::ReloadPolicyRequest&, const v1::ReloadPolicyResponse& response,
                   bool color) {
  std::string out;
  for (const v1::PolicyError& error : response.errors()) {
    absl::StrAppend(&out, ErrorText(error), "\n");
  }
  const bool loaded = response.errors().empty();
  return absl::StrCat(
      out,
      Paint(absl::StrCat("generation ", response.generation(), loaded ? " decides" : " stays"),
            loaded ? Color::kGreen : Color::kRed, color),
      "\n");
}

std::string Render(const v1::SetOverrideRequest&, const v1::SetOverrideResponse& response, bool) {
  return absl::StrCat(OverrideText(response.override()), "\n");
}

std::string Render(const v1::SetBreakerRequest& request, const v1::SetBreakerResponse&, bool) {
  const char* what = "automatic";
  if (request.state() == v1::SetBreakerRequest::STATE_OPEN) what = "forced open";
  if (request.state() == v1::SetBreakerRequest::STATE_CLOSED) what = "forced closed";
  return absl::StrCat(Printable(request.backend()), ": the breaker is ", what, "\n");
}

}  // namespace sluice::cli
