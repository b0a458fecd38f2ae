#include "policy/yaml_writer.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace sluice {
namespace {

using Kind = YamlNode::Kind;

constexpr absl::string_view kPlainPunctuation = "_./:@%+-=|, ";
// Parsers take a longer key only behind a `?`.
constexpr size_t kMaxSimpleKey = 256;

// Whether text without quotes is read as itself, in any place. Stricter than YAML.
bool IsPlain(absl::string_view text) {
  const auto fits = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::StrContains(kPlainPunctuation, c);
  };
  if (text.empty() || !std::all_of(text.begin(), text.end(), fits)) return false;
  const bool starts =
      absl::ascii_isalnum(static_cast<unsigned char>(text[0])) || text[0] == '/' || text[0] == '_';
  return starts && text.back() != ':' && text.back() != ' ' && !absl::StrContains(text, ": ");
}

std::string Quoted(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      absl::StrAppend(&out, "\\", absl::string_view(&c, 1));
    } else if (c == '\n') {
      out += "\\n";
    } else if (absl::ascii_iscntrl(byte)) {
      absl::StrAppendFormat(&out, "\\x%02x", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

class Writer {
 public:
  explicit Writer(Instead instead) : instead_(instead) {}

  // At the place where the cursor stands: the start of a line that is indented by `indent`, or
  // behind the `- ` that ends there.
  void Node(const YamlNode& node, size_t indent) {
    if (IsShort(node)) {
      absl::StrAppend(&out_, Value(node), "\n");
    } else if (node.kind == Kind::kList) {
      List(node, indent);
    } else {
      Map(node, indent);
    }
  }

  std::string Finish() {
    if (!full()) return std::move(out_);
    const size_t end = out_.rfind('\n', kMaxYamlBytes);
    out_.resize(end == std::string::npos ? 0 : end + 1);
    absl::StrAppend(&out_, "# cut here: the whole is longer than ", kMaxYamlBytes, " bytes\n");
    return std::move(out_);
  }

 private:
  bool full() const { return out_.size() > kMaxYamlBytes; }

  static bool IsShort(const YamlNode& node) {
    return node.kind == Kind::kNull || node.kind == Kind::kScalar ||
           (node.kind == Kind::kList ? node.items.empty() : node.entries.empty());
  }

  static std::string Scalar(const YamlNode& node, absl::string_view text) {
    return node.plain && IsPlain(text) ? std::string(text) : Quoted(text);
  }

  std::string Value(const YamlNode& node) const {
    switch (node.kind) {
      case Kind::kNull:
        return "null";
      case Kind::kList:
        return "[]";
      case Kind::kMap:
        return "{}";
      case Kind::kScalar:
        break;
    }
    const absl::optional<std::string> other = instead_(node);
    return other.has_value() ? Quoted(*other) : Scalar(node, node.text);
  }

  void StartLine(bool first, size_t indent) {
    if (!first) out_.append(indent, ' ');
  }

  void List(const YamlNode& node, size_t indent) {
    bool first = true;
    for (const YamlNode* item : node.items) {
      if (full()) return;
      StartLine(std::exchange(first, false), indent);
      out_ += "- ";
      Node(*item, indent + 2);
    }
  }

  void Map(const YamlNode& node, size_t indent) {
    bool first = true;
    for (const YamlNode::Entry& entry : node.entries) {
      if (full()) return;
      StartLine(std::exchange(first, false), indent);
      Entry(entry, indent);
    }
  }

  void Entry(const YamlNode::Entry& entry, size_t indent) {
    // Keys differ, also those that are not shown.
    const absl::optional<std::string> instead = instead_(*entry.key);
    const std::string text =
        instead.has_value() ? absl::StrCat(*instead, ++hidden_keys_) : entry.key->text;
    const std::string key = entry.key->kind == Kind::kScalar ? Scalar(*entry.key, text) : "";
    if (key.empty() || key.size() > kMaxSimpleKey) {
      out_ += "? ";
      Node(*entry.key, indent + 2);
      StartLine(false, indent);
      out_ += ": ";
      Node(*entry.value, indent + 2);
      return;
    }
    absl::StrAppend(&out_, key, ":");
    if (IsShort(*entry.value)) {
      absl::StrAppend(&out_, " ", Value(*entry.value), "\n");
      return;
    }
    out_ += "\n";
    StartLine(false, indent + 2);
    Node(*entry.value, indent + 2);
  }

  const Instead instead_;
  int hidden_keys_ = 0;
  std::string out_;
};

}  // namespace

std::string WriteYaml(const YamlNode& root, Instead instead) {
  Writer writer(instead);
  writer.Node(root, 0);
  return writer.Finish();
}

}  // namespace sluice
