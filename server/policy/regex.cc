#include "policy/regex.h"

#include <re2/re2.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

constexpr size_t kMaxLength = 1024;
constexpr int64_t kMaxMemory = int64_t{1} << 20;

re2::StringPiece PieceOf(absl::string_view text) { return {text.data(), text.size()}; }

absl::Status Bad(absl::string_view pattern, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("regex '", pattern, "': ", why,
                   " (RE2 syntax, matches the whole value, for example v[0-9]+)"));
}

}  // namespace

absl::StatusOr<Regex> Regex::Parse(absl::string_view pattern) {
  if (pattern.empty()) return Bad(pattern, "it is empty");
  if (pattern.size() > kMaxLength) {
    return Bad(absl::StrCat(pattern.substr(0, 32), "..."), "it is longer than 1024 bytes");
  }
  RE2::Options options;
  options.set_max_mem(kMaxMemory);
  options.set_log_errors(false);
  options.set_dot_nl(true);  // a line break in a value hides nothing
  auto compiled = std::make_shared<const RE2>(PieceOf(pattern), options);
  if (!compiled->ok()) return Bad(pattern, compiled->error());
  return Regex(std::move(compiled));
}

bool Regex::Matches(absl::string_view text) const {
  return RE2::FullMatch(PieceOf(text), *compiled_);
}

}  // namespace sluice
