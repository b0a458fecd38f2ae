// Regular expressions of a configuration.
#ifndef SLUICE_POLICY_REGEX_H_
#define SLUICE_POLICY_REGEX_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace re2 {
class RE2;
}

namespace sluice {

// A regular expression in RE2's syntax, which must match the whole text, as in Envoy. Its work is
// linear in the text, its memory bounded. Immutable, cheap to copy.
class Regex {
 public:
  // At most 1024 bytes and 1 MiB of RE2's memory. The error tells what is wrong and what would be
  // right.
  static absl::StatusOr<Regex> Parse(absl::string_view pattern);

  bool Matches(absl::string_view text) const;

 private:
  explicit Regex(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}

  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace sluice

#endif  // SLUICE_POLICY_REGEX_H_
