#include "policy/template.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sluice {
namespace {

constexpr absl::string_view kDefault = "{identifier|remote_address}";
constexpr size_t kMaxLength = 1024;

absl::Status Bad(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("identifier '", text, "': ", why,
                   " (for example {user_id|remote_address} or user:{user_id})"));
}

}  // namespace

IdentifierTemplate::IdentifierTemplate() : IdentifierTemplate(*Parse(kDefault)) {}

absl::StatusOr<IdentifierTemplate> IdentifierTemplate::Parse(absl::string_view text) {
  if (text.empty()) return Bad(text, "it is empty");
  if (text.size() > kMaxLength) {
    return Bad(absl::StrCat(text.substr(0, 32), "..."), "it is longer than 1024 bytes");
  }
  std::vector<Piece> pieces;
  for (absl::string_view rest = text; !rest.empty();) {
    const size_t open = rest.find('{');
    const absl::string_view literal = rest.substr(0, open);
    if (absl::StrContains(literal, '}')) return Bad(text, "a '}' has no '{' before it");
    if (!literal.empty()) pieces.push_back({std::string(literal), {}});
    if (open == absl::string_view::npos) break;
    rest.remove_prefix(open + 1);
    const size_t close = rest.find('}');
    if (close == absl::string_view::npos) return Bad(text, "a '{' is never closed");
    Piece piece;
    for (absl::string_view key : absl::StrSplit(rest.substr(0, close), '|')) {
      key = absl::StripAsciiWhitespace(key);
      if (key.empty()) return Bad(text, "a name between the braces is empty");
      if (absl::StrContains(key, '{')) return Bad(text, "a '{' stands within braces");
      piece.keys.emplace_back(key);
    }
    pieces.push_back(std::move(piece));
    rest.remove_prefix(close + 1);
  }
  return IdentifierTemplate(std::string(text), std::move(pieces));
}

std::string IdentifierTemplate::Render(ContextLookup lookup) const {
  std::string rendered;
  bool asks = false;
  bool known = false;
  for (const Piece& piece : pieces_) {
    rendered += piece.literal;
    asks = asks || !piece.keys.empty();
    for (const std::string& key : piece.keys) {
      const absl::string_view value = lookup(key);
      if (value.empty()) continue;
      absl::StrAppend(&rendered, value);
      known = true;
      break;
    }
  }
  return asks && !known ? std::string(kAnonymous) : rendered;
}

}  // namespace sluice
