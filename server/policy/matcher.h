// Tests of a context value: `{tier: {in: [gold, silver]}}`.
#ifndef SLUICE_POLICY_MATCHER_H_
#define SLUICE_POLICY_MATCHER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

class ValueTest;

// One test of one value. An empty value is an absent one, and nothing but Present(false) matches
// it, also not Equals(""). Immutable, cheap to copy. Errors tell what is wrong and what would be
// right.
class Matcher {
 public:
  // These two compare secrets: how long they take depends on lengths and on the number of values,
  // never on how much of a value was right or on which one it was.
  static Matcher Equals(std::string value);
  static Matcher In(std::vector<std::string> values);

  static Matcher Prefix(std::string prefix);
  // The whole value: `*` is any characters, `?` is one. At most 1024 bytes.
  static absl::StatusOr<Matcher> Glob(absl::string_view pattern);
  // The whole value, see Regex.
  static absl::StatusOr<Matcher> Regex(absl::string_view pattern);
  // An address in one of these networks, of which there is at least one; a value that is no address
  // is in none.
  static absl::StatusOr<Matcher> Cidrs(absl::Span<const std::string> networks);
  static Matcher Present(bool present);

  bool Matches(absl::string_view value) const;

  // What Equals and In match, and nothing else; empty for the others.
  absl::Span<const std::string> values() const;

 private:
  explicit Matcher(std::shared_ptr<const ValueTest> test) : test_(std::move(test)) {}

  std::shared_ptr<const ValueTest> test_;
};

}  // namespace sluice

#endif  // SLUICE_POLICY_MATCHER_H_
