#include "policy/variables.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/utf8.h"

namespace sluice {
namespace {

constexpr absl::string_view kOpen = "${";
constexpr absl::string_view kLiteralOpen = "$${";
constexpr absl::string_view kBeforeDefault = ":-";
constexpr size_t kMaxName = 256;
constexpr absl::string_view kForms = "write ${NAME} or ${NAME:-default}; $${ stands for a plain ${";

bool IsName(absl::string_view name) {
  const auto fits = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
  };
  return !name.empty() && name.size() <= kMaxName &&
         !absl::ascii_isdigit(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), fits);
}

// A stretch of text: plain, or what stands in the braces of a reference.
struct Piece {
  absl::string_view text;
  bool reference = false;
  bool closed = true;
};

// Cuts the next piece off the front of `rest`, which is not empty.
Piece TakePiece(absl::string_view& rest) {
  if (absl::ConsumePrefix(&rest, kLiteralOpen)) return {kOpen};
  if (!absl::ConsumePrefix(&rest, kOpen)) {
    const size_t next = std::min(rest.find('$', 1), rest.size());
    const Piece piece{rest.substr(0, next)};
    rest.remove_prefix(next);
    return piece;
  }
  const size_t close = rest.find('}');
  if (close == absl::string_view::npos) {
    const Piece piece{rest, true, false};
    rest = {};
    return piece;
  }
  const Piece piece{rest.substr(0, close), true};
  rest.remove_prefix(close + 1);
  return piece;
}

struct Reference {
  absl::string_view name;
  absl::optional<absl::string_view> standard;
};

Reference Split(absl::string_view inside) {
  const size_t colon = inside.find(kBeforeDefault);
  if (colon == absl::string_view::npos) return {inside, absl::nullopt};
  return {inside.substr(0, colon), inside.substr(colon + kBeforeDefault.size())};
}

// Puts what the piece stands for behind `to.text`.
void ExpandReference(const Piece& piece, const Environment& environment, Expansion& to) {
  const auto [name, standard] = Split(piece.text);
  if (!piece.closed) {
    to.problem = "'${' has no '}'";
    to.hint = std::string(kForms);
  } else if (!IsName(name)) {
    to.problem = "a '${...}' names no variable";
    to.hint = std::string(kForms);
  } else if (standard.has_value() && absl::StrContains(*standard, kOpen)) {
    to.problem = absl::StrCat("the default of '", name, "' holds a variable");
    to.hint = "a default is plain text";
  }
  if (!to.problem.empty()) return;
  const absl::optional<std::string> value = environment(name);
  if (standard.has_value() && value.value_or("").empty()) {
    absl::StrAppend(&to.text, *standard);
  } else if (!value.has_value()) {
    to.problem = absl::StrCat("the environment variable '", name, "' is not set");
    to.hint = absl::StrCat("set it, or give a default: ${", name, ":-value}");
  } else if (!IsUtf8(*value)) {
    to.problem = absl::StrCat("the environment variable '", name, "' is not UTF-8 text");
  } else {
    absl::StrAppend(&to.text, *value);
  }
}

}  // namespace

Environment ProcessEnvironment() {
  return [](absl::string_view name) -> absl::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return absl::nullopt;
    return std::string(value);
  };
}

bool HasVariables(absl::string_view text) { return absl::StrContains(text, kOpen); }

bool IsReference(absl::string_view text) {
  return absl::StartsWith(text, kOpen) && text.find('}') == text.size() - 1;
}

Expansion ExpandVariables(absl::string_view text, const Environment& environment, size_t most) {
  Expansion expansion;
  while (!text.empty() && expansion.problem.empty()) {
    const Piece piece = TakePiece(text);
    if (piece.reference) {
      ExpandReference(piece, environment, expansion);
    } else {
      absl::StrAppend(&expansion.text, piece.text);
    }
    if (expansion.text.size() > most) {
      expansion.problem = "the values with variables are too long";
      expansion.hint = "1 MiB in all";
    }
  }
  return expansion;
}

std::string MaskDefaults(absl::string_view text) {
  std::string masked;
  while (!text.empty()) {
    const absl::string_view before = text;
    const Piece piece = TakePiece(text);
    const absl::optional<absl::string_view> standard = Split(piece.text).standard;
    if (piece.reference && standard.has_value() && !standard->empty()) {
      absl::StrAppend(&masked, kOpen, Split(piece.text).name, kBeforeDefault, "***}");
    } else {
      absl::StrAppend(&masked, before.substr(0, before.size() - text.size()));
    }
  }
  return masked;
}

}  // namespace sluice
