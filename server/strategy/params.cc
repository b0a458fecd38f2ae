#include "strategy/params.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/nearest.h"

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

ParamValue ParamValue::List(std::vector<ParamValue> items) {
  ParamValue value;
  value.kind = Kind::kList;
  value.items = std::move(items);
  return value;
}

ParamValue ParamValue::Map(std::vector<std::pair<std::string, ParamValue>> entries) {
  ParamValue value;
  value.kind = Kind::kMap;
  value.entries = std::move(entries);
  return value;
}

std::string ParamValue::Found() const {
  if (kind == Kind::kList) return "a list";
  if (kind == Kind::kMap) return "a map";
  return absl::StrCat("'", text, "'");
}

std::string ParamValue::ToString() const {
  if (kind == Kind::kScalar) return text;
  std::vector<std::string> parts;
  for (const ParamValue& item : items) parts.push_back(item.ToString());
  for (const auto& [key, value] : entries)
    parts.push_back(absl::StrCat(key, ": ", value.ToString()));
  const bool list = kind == Kind::kList;
  return absl::StrCat(list ? "[" : "{", absl::StrJoin(parts, ", "), list ? "]" : "}");
}

absl::optional<int64_t> ParseWhole(absl::string_view text) {
  int64_t value = 0;
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(text, &value)) return absl::nullopt;
  return value;
}

absl::optional<int64_t> ParseMillionths(absl::string_view text, int digits) {
  const size_t point = text.find('.');
  const absl::string_view whole = text.substr(0, point);
  std::string fraction;
  if (point != absl::string_view::npos) {
    fraction = std::string(text.substr(point + 1));
    if (fraction.empty() || fraction.size() > static_cast<size_t>(digits)) return absl::nullopt;
  }
  fraction.resize(6, '0');
  const absl::optional<int64_t> units = ParseWhole(whole);
  const absl::optional<int64_t> rest = ParseWhole(fraction);
  if (!units.has_value() || !rest.has_value()) return absl::nullopt;
  if (*units >= kMaxAmount / kMillion) return absl::nullopt;
  return *units * kMillion + *rest;
}

std::string MillionthsText(int64_t millionths) {
  std::string text = absl::StrFormat("%d.%06d", millionths / kMillion, millionths % kMillion);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

ParamReader::ParamReader(absl::string_view strategy, const Params& params)
    : strategy_(strategy), params_(params) {}

bool ParamReader::Has(absl::string_view name) const {
  return std::any_of(params_.begin(), params_.end(),
                     [&](const auto& param) { return param.first == name; });
}

const ParamValue* ParamReader::Find(absl::string_view name) {
  known_.push_back(name);
  for (const auto& [key, value] : params_) {
    if (key == name) return &value;
  }
  return nullptr;
}

const std::string* ParamReader::FindWord(absl::string_view name) {
  const ParamValue* value = Find(name);
  if (value == nullptr) return nullptr;
  if (value->kind == ParamValue::Kind::kScalar) return &value->text;
  Refuse(name, absl::StrCat(value->Found(), " (give one value)"));
  return nullptr;
}

int64_t ParamReader::Amount(absl::string_view name, int64_t absent, int64_t least, int64_t most) {
  const std::string* text = FindWord(name);
  if (text == nullptr) return absent;
  const absl::optional<int64_t> value = ParseWhole(*text);
  if (value.has_value() && *value >= least && *value <= most) return *value;
  Refuse(name, absl::StrCat("'", *text, "' is not a whole number from ", least, " to ",
                            most == kMaxAmount - 1 ? "2^52 - 1" : absl::StrCat(most)));
  return absent;
}

int64_t ParamReader::Millionths(absl::string_view name, int64_t absent, int64_t least, int64_t most,
                                int digits) {
  const std::string* text = FindWord(name);
  if (text == nullptr) return absent;
  const absl::optional<int64_t> value = ParseMillionths(*text, digits);
  if (value.has_value() && *value >= least && *value <= most) return *value;
  Refuse(name,
         absl::StrCat("'", *text, "' is not a decimal from ", MillionthsText(least), " to ",
                      MillionthsText(most), " with at most ", digits, " digits after the point"));
  return absent;
}

bool ParamReader::Flag(absl::string_view name) { return Choice(name, {"true", "false"}) == "true"; }

std::string ParamReader::Word(absl::string_view name, absl::string_view absent,
                              absl::string_view hint) {
  const std::string* text = FindWord(name);
  if (text == nullptr) return std::string(absent);
  if (text->empty()) Refuse(name, absl::StrCat("'' is empty (", hint, ")"));
  return *text;
}

const ParamValue* ParamReader::Value(absl::string_view name, absl::string_view required) {
  const ParamValue* value = Find(name);
  if (value == nullptr && !required.empty()) {
    Refuse(name, absl::StrCat("is missing (", required, ")"));
  }
  return value;
}

int64_t ParamReader::Duration(absl::string_view name, int64_t absent) {
  const std::string* text = FindWord(name);
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
  const std::string* text = FindWord(name);
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
    errors_.back().unknown = true;
  }
  if (errors_.empty()) return absl::OkStatus();
  std::vector<absl::string_view> texts;
  std::string payload;
  for (const ParamError& error : errors_) {
    texts.push_back(error.text);
    absl::StrAppend(&payload, absl::CEscape(error.param), "\n", absl::CEscape(error.text), "\n",
                    error.unknown ? "unknown\n" : "\n");
  }
  absl::Status status = absl::InvalidArgumentError(absl::StrJoin(texts, "; "));
  status.SetPayload(kPayload, absl::Cord(payload));
  return status;
}

std::vector<ParamError> ParamErrorsOf(const absl::Status& status) {
  const std::string payload(status.GetPayload(kPayload).value_or(absl::Cord()));
  const std::vector<absl::string_view> lines = absl::StrSplit(payload, '\n');
  std::vector<ParamError> errors;
  for (size_t i = 0; i + 2 < lines.size(); i += 3) {
    errors.push_back({Unescaped(lines[i]), Unescaped(lines[i + 1]), lines[i + 2] == "unknown"});
  }
  return errors;
}

}  // namespace sluice
