// What callers and configurations bring to matching: a pattern in the first line, a value in the
// rest. Nothing of it crashes or hangs, and paths keep what path.h says of them.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "core/rate.h"
#include "policy/expression.h"
#include "policy/matcher.h"
#include "policy/path.h"
#include "policy/template.h"

namespace {

void Check(bool holds, absl::string_view what, absl::string_view pattern, absl::string_view value) {
  if (holds) return;
  std::cerr << what << ": " << pattern << " of " << value << "\n";
  std::abort();
}

void CheckExpression(absl::string_view source, sluice::ContextLookup lookup) {
  const auto expression = sluice::Expression::Compile(source);
  if (!expression.ok()) return;
  const absl::StatusOr<int64_t> cost = expression->Evaluate(lookup);
  Check(!cost.ok() || (*cost >= 0 && *cost <= sluice::kMaxAmount), "an impossible cost", source,
        lookup("a"));
}

void CheckPath(absl::string_view pattern, absl::string_view target) {
  const sluice::RequestPath path(target);
  if (!path.empty()) {
    const sluice::RequestPath again(path.canonical());
    Check(again.canonical() == path.canonical(), "a canonical path is not", pattern, target);
    Check(absl::StartsWith(path.canonical(), "/"), "a path without a slash", pattern, target);
  }
  const auto parsed = sluice::PathPattern::Parse(pattern);
  if (!parsed.ok()) return;
  Check(!parsed->segments().empty(), "a pattern without segments", pattern, target);
  parsed->Matches(path.raw());
  parsed->Matches(path.canonical());
}

void CheckMatchers(absl::string_view pattern, absl::string_view value) {
  for (const auto& matcher : {sluice::Matcher::Glob(pattern), sluice::Matcher::Regex(pattern)}) {
    if (matcher.ok()) Check(!matcher->Matches(""), "an absent value matches", pattern, value);
    if (matcher.ok()) matcher->Matches(value);
  }
  Check(value.empty() || sluice::Matcher::Equals(std::string(value)).Matches(value),
        "a value is not itself", pattern, value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::string_view pattern = text.substr(0, text.find('\n'));
  const absl::string_view value =
      pattern.size() == text.size() ? absl::string_view() : text.substr(pattern.size() + 1);
  const auto lookup = [value](absl::string_view) { return value; };
  CheckExpression(pattern, lookup);
  CheckPath(pattern, value);
  CheckMatchers(pattern, value);
  const auto identifier = sluice::IdentifierTemplate::Parse(pattern);
  if (identifier.ok()) identifier->Render(lookup);
  return 0;
}
