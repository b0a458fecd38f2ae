#include "policy/reader.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/digest.h"
#include "core/nearest.h"
#include "core/rate.h"
#include "core/utf8.h"

namespace sluice {
namespace {

using Kind = YamlNode::Kind;

constexpr size_t kMaxName = 256;
constexpr size_t kMaxShown = 80;
constexpr size_t kMaxQuoted = 1000;  // nodes
// How messages of other rooms say what would be right.
constexpr absl::string_view kExample = " (for example ";
constexpr size_t kMaxExpanded = size_t{1} << 20;  // of one configuration
constexpr size_t kMaxSecret = size_t{64} << 10;

bool IsControl(char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); }

bool Contains(absl::Span<const absl::string_view> words, absl::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// What YAML reads as something else than text, unless it is quoted.
bool IsNumberOrFlag(const YamlNode& node) {
  double number = 0;
  const std::string word = absl::AsciiStrToLower(node.text);
  return node.plain && (absl::SimpleAtod(word, &number) ||
                        Contains({"true", "yes", "on", "false", "no", "off"}, word));
}

// The table of keys and a reader disagree.
void Bug(const ConfigSection& section, absl::string_view key, absl::string_view what) {
  std::cerr << "policy/keys.cc " << what << " the key '" << key << "' of " << section.name << "\n";
  std::abort();
}

}  // namespace

std::string PolicyError::ToString() const {
  std::string line = absl::StrCat(position.file, ":", position.line, ":", position.column, ": ",
                                  what, hint.empty() ? "" : absl::StrCat(" (", hint, ")"));
  // A quoted value may hold line breaks, and an error is one line.
  std::replace_if(line.begin(), line.end(), IsControl, ' ');
  return line;
}

std::string Found(const YamlNode& node) {
  switch (node.kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
    case Kind::kScalar:
      break;
  }
  if (node.text.size() <= kMaxShown) return absl::StrCat("'", node.text, "'");
  size_t end = kMaxShown;
  while ((static_cast<unsigned char>(node.text[end]) & 0xc0) == 0x80) --end;  // whole characters
  return absl::StrCat("'", absl::string_view(node.text).substr(0, end), "...'");
}

std::string FoundText(const YamlNode& node) {
  return node.kind == Kind::kScalar ? node.text : Found(node);
}

std::string DidYouMean(absl::string_view word, absl::Span<const absl::string_view> candidates,
                       absl::Span<const absl::string_view> others) {
  std::vector<absl::string_view> all(candidates.begin(), candidates.end());
  all.insert(all.end(), others.begin(), others.end());
  const absl::string_view nearest = Nearest(word, all);
  if (!nearest.empty()) return absl::StrCat("did you mean '", nearest, "'?");
  return absl::StrCat("use one of ", absl::StrJoin(candidates, ", "));
}

bool FileReader::InOrder::operator()(const PolicyError& a, const PolicyError& b) const {
  const auto order = [](const PolicyError& error) {
    const Position& at = error.position;
    return std::tie(at.file, at.line, at.column, error.what, error.hint);
  };
  return order(a) < order(b);
}

std::string FileReader::Elsewhere(const Position& other, const YamlNode& node) const {
  if (other.file == At(node).file) return absl::StrCat("on line ", other.line);
  return absl::StrCat("in ", other.file, ":", other.line);
}

std::string FileReader::Discreet(const YamlNode& node, std::string what) const {
  // Nothing quotes what is larger.
  if (node.size > kMaxQuoted) return what;
  for (const YamlNode* item : node.items) what = Discreet(*item, std::move(what));
  for (const YamlNode::Entry& entry : node.entries) what = Discreet(*entry.value, std::move(what));
  const auto expansion = outside_.expansions.find(&node);
  const bool secret = outside_.concealed.contains(&node) && node.kind == Kind::kScalar;
  if (expansion == outside_.expansions.end() && !secret) return what;
  const bool expanded = expansion != outside_.expansions.end();
  const std::string value = absl::StrCat("'", expanded ? expansion->second.text : node.text, "'");
  const std::string shown = expanded ? Found(node) : "a secret";
  const size_t at = what.find(value);
  if (at == std::string::npos) return what;
  const absl::string_view rest = absl::string_view(what).substr(at + value.size());
  if (rest.empty()) return absl::StrCat(what.substr(0, at), shown);
  const size_t example = rest.rfind(kExample);
  return absl::StrCat(what.substr(0, at), shown, ": its value is not right here",
                      example == absl::string_view::npos ? "" : rest.substr(example));
}

void FileReader::Refuse(const YamlNode& node, std::string what, std::string hint) {
  if (full()) return;
  const bool discreet = !outside_.expansions.empty() || !outside_.concealed.empty();
  if (discreet) what = Discreet(node, std::move(what));
  Refuse(At(node), std::move(what), std::move(hint));
}

void FileReader::Refuse(int line, int column, std::string what, std::string hint) {
  Refuse(Position{file_, line, column}, std::move(what), std::move(hint));
}

void FileReader::Refuse(Position position, std::string what, std::string hint) {
  if (full()) return;
  errors_.insert({std::move(position), std::move(what), std::move(hint)});
}

std::vector<PolicyError> FileReader::Errors() const {
  std::vector<PolicyError> errors(errors_.begin(), errors_.end());
  if (full()) {
    errors.push_back({errors.back().position, "too many errors: others are not told", ""});
  }
  return errors;
}

absl::optional<std::string> FileReader::Text(Field field) {
  if (!field) return absl::nullopt;
  const YamlNode& node = *field.node;
  if (node.kind != Kind::kScalar) {
    Refuse(node, absl::StrCat("'", field.name, "' must be a single value, found ", Found(node)));
    return absl::nullopt;
  }
  if (dialect_ == Dialect::kEnvoy || node.is_key || !HasVariables(node.text)) return node.text;
  return Expand(field);
}

absl::optional<std::string> FileReader::Expand(Field field) {
  const auto [found, fresh] = outside_.expansions.try_emplace(field.node);
  Expansion& expansion = found->second;
  if (fresh) {
    expansion = ExpandVariables(field.node->text, outside_.environment,
                                kMaxExpanded - outside_.expanded_bytes);
    outside_.expanded_bytes +=
        std::min(expansion.text.size(), kMaxExpanded - outside_.expanded_bytes);
    outside_.digests += Sha256(expansion.text);
  }
  if (expansion.problem.empty()) return expansion.text;
  Refuse(At(*field.node), absl::StrCat("'", field.name, "': ", expansion.problem), expansion.hint);
  return absl::nullopt;
}

bool FileReader::MayNameFiles(Field field) {
  if (field && !outside_.files) {
    Refuse(*field.node, absl::StrCat("'", field.name, "': files cannot be read here"),
           "sluicectl validate reads them where they are");
  }
  return outside_.files;
}

absl::optional<std::string> FileReader::Path(Field field) {
  const absl::optional<std::string> path = Name(field);
  if (!path.has_value() || !MayNameFiles(field)) return absl::nullopt;
  return Resolve(outside_.folder, *path);
}

void FileReader::Conceal(const YamlNode& node) {
  outside_.concealed.insert(&node);
  for (const YamlNode* item : node.items) Conceal(*item);
}

absl::optional<std::string> FileReader::SecretFile(Field field) {
  const absl::optional<std::string> path = Text(field);
  if (!path.has_value() || !MayNameFiles(field)) return absl::nullopt;
  absl::StatusOr<std::string> content =
      outside_.inputs.Read(Resolve(outside_.folder, *path), kMaxSecret);
  if (content.ok()) {
    outside_.digests += Sha256(*content);
    absl::string_view secret = *content;
    if (!absl::ConsumeSuffix(&secret, "\r\n")) absl::ConsumeSuffix(&secret, "\n");
    content->resize(secret.size());
    if (content->empty()) content = absl::InvalidArgumentError("the file is empty");
  }
  if (content.ok() && !IsUtf8(*content)) {
    content = absl::InvalidArgumentError("the file is not UTF-8 text");
  }
  if (content.ok()) return *std::move(content);
  Refuse(*field.node,
         absl::StrCat("'", field.name, "' ", Found(*field.node), ": ", content.status().message()),
         "a file with the secret in it, named relative to the folder of this file");
  return absl::nullopt;
}

absl::optional<std::string> FileReader::Name(Field field) {
  absl::optional<std::string> text = Text(field);
  if (!text.has_value()) return text;
  const bool control = std::any_of(text->begin(), text->end(), IsControl);
  if (!text->empty() && text->size() <= kMaxName && !control) return text;
  Refuse(*field.node,
         absl::StrCat("'", field.name, "' is ",
                      text->empty() ? "empty"
                      : control     ? "not printable"
                                    : "too long"),
         absl::StrCat("1 to ", kMaxName, " bytes without control characters"));
  return absl::nullopt;
}

absl::optional<int64_t> FileReader::Whole(Field field, int64_t least, int64_t most) {
  const absl::optional<std::string> text = Text(field);
  if (!text.has_value()) return absl::nullopt;
  // Digits may be grouped in YAML 1.1: 10_000_000.
  const bool grouped = !absl::StartsWith(*text, "_") && !absl::EndsWith(*text, "_");
  int64_t value = 0;
  if (absl::SimpleAtoi(grouped ? absl::StrReplaceAll(*text, {{"_", ""}}) : *text, &value) &&
      value >= least && value <= most) {
    return value;
  }
  Refuse(*field.node, absl::StrCat("'", field.name, "' must be a whole number from ", least, " to ",
                                   most, ", found ", Found(*field.node)));
  return absl::nullopt;
}

absl::optional<bool> FileReader::Flag(Field field) {
  const absl::optional<std::string> text = Text(field);
  if (!text.has_value()) return absl::nullopt;
  const std::string word = absl::AsciiStrToLower(*text);
  if (Contains({"true", "yes", "on", "y"}, word)) return true;
  if (Contains({"false", "no", "off", "n"}, word)) return false;
  Refuse(*field.node,
         absl::StrCat("'", field.name, "' must be true or false, found ", Found(*field.node)));
  return absl::nullopt;
}

absl::optional<int64_t> FileReader::Duration(Field field) {
  const absl::optional<std::string> text = Text(field);
  if (!text.has_value()) return absl::nullopt;
  const absl::StatusOr<int64_t> us = ParseDuration(*text);
  if (us.ok()) return *us;
  Refuse(*field.node, std::string(us.status().message()));
  return absl::nullopt;
}

absl::optional<int64_t> FileReader::Duration(Field field, int64_t least, int64_t most) {
  const absl::optional<int64_t> us = Duration(field);
  if (!us.has_value() || (*us >= least && *us <= most)) return us;
  const std::string range =
      least == 0 ? absl::StrCat("at most ", DurationText(most))
                 : absl::StrCat("from ", DurationText(least), " to ", DurationText(most));
  Refuse(*field.node,
         absl::StrCat("'", field.name, "' must be ", range, ", found ", Found(*field.node)));
  return absl::nullopt;
}

absl::optional<double> FileReader::Number(Field field, double least, double most) {
  const absl::optional<std::string> text = Text(field);
  if (!text.has_value()) return absl::nullopt;
  double value = 0;
  if (absl::SimpleAtod(*text, &value) && value >= least && value <= most) return value;
  Refuse(*field.node, absl::StrCat("'", field.name, "' must be a number from ", least, " to ", most,
                                   ", found ", Found(*field.node)));
  return absl::nullopt;
}

absl::optional<size_t> FileReader::ChoiceIndex(Field field,
                                               absl::Span<const absl::string_view> words) {
  const absl::optional<std::string> text = Text(field);
  if (!text.has_value()) return absl::nullopt;
  const auto found = std::find(words.begin(), words.end(), *text);
  if (found != words.end()) return static_cast<size_t>(found - words.begin());
  Refuse(*field.node, absl::StrCat("'", field.name, "' cannot be ", Found(*field.node)),
         DidYouMean(*text, words));
  return absl::nullopt;
}

std::vector<Field> FileReader::Items(Field field) {
  std::vector<Field> items;
  if (!field || field.node->kind == Kind::kNull) return items;
  if (field.node->kind != Kind::kList) {
    Refuse(*field.node,
           absl::StrCat("'", field.name, "' must be a list, found ", Found(*field.node)),
           "[a, b], or a '-' before each item");
    return items;
  }
  for (const YamlNode* item : field.node->items) items.push_back({field.name, item});
  return items;
}

bool FileReader::IsMap(Field field, absl::string_view what) {
  if (!field) return false;
  if (field.node->kind == Kind::kMap || field.node->kind == Kind::kNull) return true;
  Refuse(*field.node, absl::StrCat(what, " must be a map, found ", Found(*field.node)),
         "for example {key: value}");
  return false;
}

MapReader::MapReader(FileReader& file, Field field, absl::string_view section, std::string what)
    : file_(file),
      section_(file.dialect() == FileReader::Dialect::kSluice ? &ConfigSectionOf(section)
                                                              : nullptr),
      name_(field.name),
      what_(what.empty() ? std::string(section) : std::move(what)) {
  static const YamlNode& empty = *new YamlNode;
  node_ = file_.IsMap(field, what_) ? field.node : &empty;
}

Field MapReader::Find(absl::string_view key) {
  if (section_ != nullptr && section_->Find(key) == nullptr) Bug(*section_, key, "lacks");
  known_.push_back(key);
  return {key, node_->Find(key)};
}

Field MapReader::Find(absl::string_view key, absl::string_view suffix) {
  composed_.push_front(absl::StrCat(key, suffix));
  return Find(composed_.front());
}

Field MapReader::Require(absl::string_view key, absl::string_view hint) {
  const Field field = Find(key);
  if (!field && node_->line > 0) {
    file_.Refuse(*node_, absl::StrCat("'", key, "' is missing in ", what_), std::string(hint));
  }
  return field;
}

void MapReader::NotYet(std::initializer_list<absl::string_view> keys) {
  later_.insert(later_.end(), keys);
}

void MapReader::Finish() {
  for (const absl::string_view key : KnownKeys()) {
    if (!Contains(known_, key)) Bug(*section_, key, "has, and no reader asks for,");
  }
  for (const YamlNode::Entry& entry : node_->entries) {
    if (file_.full()) return;
    if (entry.key->kind != Kind::kScalar || !Contains(known_, entry.key->text)) {
      RefuseKey(*entry.key);
    }
  }
}

std::vector<absl::string_view> MapReader::KnownKeys() const {
  if (section_ == nullptr) return known_;
  std::vector<absl::string_view> keys;
  for (const ConfigKey& known : section_->keys) keys.push_back(known.key);
  return keys;
}

void MapReader::RefuseKey(const YamlNode& key) {
  const bool envoy = file_.dialect() == FileReader::Dialect::kEnvoy;
  if (key.kind != Kind::kScalar || (envoy && IsNumberOrFlag(key))) {
    file_.Refuse(key,
                 envoy ? absl::StrCat("config error, key is not of type string: ", FoundText(key))
                       : absl::StrCat("a key of ", what_, " must be a word, found ", Found(key)));
  } else if (Contains(later_, key.text)) {
    file_.Refuse(key, absl::StrCat("'", key.text, "' in ", what_, " is not supported yet"),
                 "leave it out");
  } else {
    file_.Refuse(key,
                 envoy ? absl::StrCat("config error, unknown key ", Found(key))
                       : absl::StrCat("unknown key ", Found(key), " in ", what_),
                 DidYouMean(key.text, KnownKeys(), later_));
  }
}

absl::optional<std::string> Secret(FileReader& file, MapReader& map, absl::string_view key) {
  const Field literal = map.Find(key);
  const Field named = map.Find(key, "_file");
  if (literal && named) {
    file.Refuse(*named.node, absl::StrCat("both '", key, "' and '", named.name, "' are given"),
                "keep one of them");
    return absl::nullopt;
  }
  if (named) return file.SecretFile(named);
  if (literal && (LooksSecret(key) || LooksSecret(map.name()))) file.Conceal(*literal.node);
  return file.Text(literal);
}

bool LooksSecret(absl::string_view name) {
  const std::string lower = absl::AsciiStrToLower(name);
  constexpr std::array<absl::string_view, 6> words = {"authorization", "cookie", "key",
                                                      "password",      "secret", "token"};
  return std::any_of(words.begin(), words.end(),
                     [&](absl::string_view word) { return absl::StrContains(lower, word); });
}

}  // namespace sluice
