#include "policy/flow_text.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "policy/reader.h"
#include "policy/variables.h"

namespace sluice {
namespace {

using Kind = YamlNode::Kind;

constexpr absl::string_view kMask = "***";
constexpr size_t kMaxText = 1024;
constexpr std::array<absl::string_view, 5> kComparisons = {"equals", "in", "prefix", "glob",
                                                           "regex"};

bool IsComparison(absl::string_view key) {
  return std::find(kComparisons.begin(), kComparisons.end(), key) != kComparisons.end();
}

// Plain where YAML would read it as it is.
std::string WordText(absl::string_view text) {
  const bool plain =
      !text.empty() &&
      std::all_of(text.begin(), text.end(),
                  [](char c) {
                    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                           absl::string_view("_-./:+@%^~ ").find(c) != absl::string_view::npos;
                  }) &&
      !absl::StrContains(text, ": ") && !absl::EndsWith(text, ":") && text[0] != ' ' &&
      text.back() != ' ' && text[0] != '-' && text[0] != '%' && text[0] != '@';
  return plain ? std::string(text) : absl::StrCat("\"", text, "\"");
}

void Append(const YamlNode& node, bool secret, std::string& out) {
  if (out.size() > kMaxText) return;
  switch (node.kind) {
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kScalar:
      // A variable says no more than its name.
      out += secret && !IsReference(node.text) ? std::string(kMask)
                                               : WordText(MaskDefaults(node.text));
      return;
    case Kind::kList:
      out += '[';
      for (size_t i = 0; i < node.items.size(); ++i) {
        if (i > 0) out += ", ";
        Append(*node.items[i], secret, out);
      }
      out += ']';
      return;
    case Kind::kMap:
      break;
  }
  out += '{';
  for (size_t i = 0; i < node.entries.size(); ++i) {
    const YamlNode& key = *node.entries[i].key;
    absl::StrAppend(&out, i > 0 ? ", " : "", WordText(key.text), ": ");
    const bool compared = secret && IsComparison(key.text);
    Append(*node.entries[i].value, compared || LooksSecret(key.text), out);
  }
  out += '}';
}

}  // namespace

std::string FlowText(const YamlNode& node) {
  std::string out;
  Append(node, false, out);
  if (out.size() <= kMaxText) return out;
  size_t end = kMaxText;
  while ((static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;  // whole characters
  return absl::StrCat(out.substr(0, end), "...");
}

}  // namespace sluice
