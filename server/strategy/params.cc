#include "strategy/params.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/nearest.h"
#include "core/rate.h"

namespace sluice {
namespace {

// A line for each field of each error, escaped, so that a line break in a name is none.
constexpr absl::string_view kPayload = "sluice/param_errors";

std::string Unescaped(absl::string_view line) {
  std::string text;
  absl::CUnescape(line, &text);
  return text;
}

}  // namespace

ParamReader::ParamReader(absl::string_view strategy, const Params& params)
    : strategy_(strategy), params_(params) {}

bool ParamReader::Has(absl::string_view name) const {
  return std::any_of(params_.begin(), params_.end(),
                     [&](const auto& param) { return param.first == name; });
}

const std::string* ParamReader::Find(absl::string_view name) {
  known_.push_back(name);
  for (const auto& [key, value] : params_) {
    if (key == name) return &value;
  }
  return nullptr;
}

int64_t ParamReader::Amount(absl::string_view name, int64_t absent) {
  const std::string* text = Find(name);
  if (text == nullptr) return absent;
  int64_t value = 0;
  if (!absl::SimpleAtoi(*text, &value) || value < 1 || value >= kMaxAmount) {
    Refuse(name, absl::StrCat("'", *text, "' is not a whole number from 1 to 2^52 - 1"));
    return absent;
  }
  return value;
}

int64_t ParamReader::Duration(absl::string_view name, int64_t absent) {
  const std::string* text = Find(name);
  if (text == nullptr) return absent;
  const absl::StatusOr<int64_t> value = ParseDuration(*text);
  if (!value.ok()) {
    Refuse(name, value.status().message());
    return absent;
  }
  return *value;
}

absl::string_view ParamReader::Choice(absl::string_view name,
                                      absl::Span<const absl::string_view> choices) {
  const std::string* text = Find(name);
  if (text == nullptr) return {};
  const auto found = std::find(choices.begin(), choices.end(), *text);
  if (found != choices.end()) return *found;
  Refuse(name, absl::StrCat("'", *text, "' is not one of ", absl::StrJoin(choices, ", ")));
  return {};
}

void ParamReader::Refuse(absl::string_view name, absl::string_view why) {
  errors_.push_back({std::string(name), absl::StrCat(strategy_, ": ", name, ": ", why)});
}

absl::Status ParamReader::Finish() {
  for (const auto& [key, value] : params_) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const absl::string_view nearest = Nearest(key, known_);
    std::string hint = known_.empty()    ? "it has none"
                       : nearest.empty() ? absl::StrCat("it has ", absl::StrJoin(known_, ", "))
                                         : absl::StrCat("did you mean '", nearest, "'?");
    Refuse(key, absl::StrCat("unknown parameter (", hint, ")"));
  }
  if (errors_.empty()) return absl::OkStatus();
  std::vector<absl::string_view> texts;
  std::string payload;
  for (const ParamError& error : errors_) {
    texts.push_back(error.text);
    absl::StrAppend(&payload, absl::CEscape(error.param), "\n", absl::CEscape(error.text), "\n");
  }
  absl::Status status = absl::InvalidArgumentError(absl::StrJoin(texts, "; "));
  status.SetPayload(kPayload, absl::Cord(payload));
  return status;
}

std::vector<ParamError> ParamErrorsOf(const absl::Status& status) {
  const std::string payload(status.GetPayload(kPayload).value_or(absl::Cord()));
  const std::vector<absl::string_view> lines = absl::StrSplit(payload, '\n');
  std::vector<ParamError> errors;
  for (size_t i = 0; i + 1 < lines.size(); i += 2) {
    errors.push_back({Unescaped(lines[i]), Unescaped(lines[i + 1])});
  }
  return errors;
}

}  // namespace sluice
