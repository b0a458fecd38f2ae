// The identifier template of a throttle: `user:{user_id|remote_address}`.
#ifndef SLUICE_POLICY_TEMPLATE_H_
#define SLUICE_POLICY_TEMPLATE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// What a context key stands for in a request; empty for an absent one (the two are the same).
using ContextLookup = absl::FunctionRef<absl::string_view(absl::string_view key)>;

// One counter for all callers of whom nothing is known.
inline constexpr absl::string_view kAnonymous = "__anonymous__";

// Literals and any number of `{a|b}`, each the first of its keys that is not empty. Immutable.
class IdentifierTemplate {
 public:
  // The default: `{identifier|remote_address}`.
  IdentifierTemplate();
  // The error tells what is wrong and what would be right.
  static absl::StatusOr<IdentifierTemplate> Parse(absl::string_view text);

  // kAnonymous when no `{...}` of it has a value; a template without any is one counter for all.
  std::string Render(ContextLookup lookup) const;
  const std::string& text() const { return text_; }

 private:
  struct Piece {
    std::string literal;
    std::vector<std::string> keys;  // empty: the literal stands
  };
  IdentifierTemplate(std::string text, std::vector<Piece> pieces)
      : text_(std::move(text)), pieces_(std::move(pieces)) {}

  std::string text_;
  std::vector<Piece> pieces_;
};

}  // namespace sluice

#endif  // SLUICE_POLICY_TEMPLATE_H_
