#include "policy/rule_reader.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "policy/flow_text.h"

namespace sluice {
namespace {

constexpr absl::string_view kMatcherHint =
    "for example {equals: enterprise} or {cidr: [10.0.0.0/8]}";
constexpr absl::string_view kRuleHint = "for example bypass: {path: /health, methods: [GET]}";
constexpr size_t kMaxMethod = 32;

// What a value made of text has to say, or nothing.
template <class T>
void Take(FileReader& file, const YamlNode& node, absl::StatusOr<T> made, std::vector<T>& to) {
  if (made.ok()) {
    to.push_back(*std::move(made));
  } else {
    file.Refuse(node, std::string(made.status().message()));
  }
}

// An empty list or map, or no value at all.
bool SaysNothing(const YamlNode& node) {
  return node.kind != YamlNode::Kind::kScalar && node.items.empty() && node.entries.empty();
}

std::vector<std::string> ReadTexts(FileReader& file, Field field) {
  std::vector<std::string> texts;
  for (const Field& item : file.Items(field)) {
    absl::optional<std::string> text = file.Text(item);
    if (text.has_value()) texts.push_back(*std::move(text));
  }
  if (field && SaysNothing(*field.node)) {
    file.Refuse(*field.node, absl::StrCat("'", field.name, "' has no values"), "name at least one");
  }
  return texts;
}

// Refuses what an absent key would have to equal.
absl::optional<std::string> NotEmpty(FileReader& file, Field field,
                                     absl::optional<std::string> text) {
  if (!text.has_value() || !text->empty()) return text;
  file.Refuse(*field.node, absl::StrCat("'", field.name, "' is empty, and an empty key is absent"),
              "for an absent key write {present: false}");
  return absl::nullopt;
}

std::vector<Matcher> ReadMatchers(FileReader& file, Field field) {
  std::vector<Matcher> all;
  if (field.node->kind != YamlNode::Kind::kMap) {
    file.Refuse(*field.node,
                absl::StrCat("'", field.name, "' needs a matcher, found ",
                             LooksSecret(field.name) ? "a value" : Found(*field.node)),
                std::string(kMatcherHint));
    return all;
  }
  MapReader map(file, field, "a matcher");
  const Field equals = map.Find("equals");
  const Field in = map.Find("in");
  const Field prefix = map.Find("prefix");
  const Field glob = map.Find("glob");
  const Field regex = map.Find("regex");
  const Field cidr = map.Find("cidr");
  const Field present = map.Find("present");
  const Field& secret = equals ? equals : map.Find("equals_file");
  if (auto text = NotEmpty(file, secret, Secret(file, map, "equals"))) {
    all.push_back(Matcher::Equals(*std::move(text)));
  }
  if (LooksSecret(field.name)) {
    for (const Field& compared : {in, prefix, glob, regex}) {
      if (compared) file.Conceal(*compared.node);
    }
  }
  if (in) all.push_back(Matcher::In(ReadTexts(file, in)));
  if (auto text = NotEmpty(file, prefix, file.Text(prefix))) {
    all.push_back(Matcher::Prefix(*std::move(text)));
  }
  if (auto text = file.Text(glob)) Take(file, *glob.node, Matcher::Glob(*text), all);
  if (auto text = file.Text(regex)) Take(file, *regex.node, Matcher::Regex(*text), all);
  for (const Field& item : file.Items(cidr)) {
    const absl::optional<std::string> text = file.Text(item);
    if (!text.has_value()) continue;
    if (auto network = Cidr::Parse(*text); !network.ok()) {
      file.Refuse(*item.node, std::string(network.status().message()));
    }
  }
  if (cidr) {
    absl::StatusOr<Matcher> matcher = Matcher::Cidrs(ReadTexts(file, cidr));
    if (matcher.ok()) all.push_back(*std::move(matcher));
  }
  if (auto flag = file.Flag(present)) all.push_back(Matcher::Present(*flag));
  map.Finish();
  if (field.node->entries.empty()) {
    file.Refuse(*field.node, absl::StrCat("'", field.name, "' has an empty matcher"),
                std::string(kMatcherHint));
  }
  return all;
}

std::vector<KeyMatcher> ReadMatch(FileReader& file, Field field, absl::string_view what) {
  std::vector<KeyMatcher> match;
  if (!file.IsMap(field, what)) return match;
  if (field.node->entries.empty()) {
    // It would hold of everybody.
    file.Refuse(*field.node, absl::StrCat(what, " says nothing"),
                "for example {tier: {equals: enterprise}}");
  }
  for (const YamlNode::Entry& entry : field.node->entries) {
    absl::optional<std::string> key = file.Name({"context key", entry.key});
    if (!key.has_value()) continue;
    std::vector<Matcher> all = ReadMatchers(file, {*key, entry.value});
    match.push_back({*std::move(key), std::move(all)});
  }
  return match;
}

absl::optional<PathPattern> ReadPath(FileReader& file, Field field) {
  if (!field) return absl::nullopt;
  absl::StatusOr<PathPattern> pattern = absl::InvalidArgumentError("");
  const YamlNode* place = field.node;
  if (field.node->kind == YamlNode::Kind::kMap) {
    MapReader map(file, field, "a path");
    const Field regex = map.Require("regex", "for example path: {regex: \"/v[0-9]+/.*\"}");
    map.Finish();
    const absl::optional<std::string> text = file.Text(regex);
    if (!text.has_value()) return absl::nullopt;
    place = regex.node;
    pattern = PathPattern::Regex(*text);
  } else {
    const absl::optional<std::string> text = file.Text(field);
    if (!text.has_value()) return absl::nullopt;
    pattern = PathPattern::Parse(*text);
  }
  if (pattern.ok()) return *std::move(pattern);
  file.Refuse(*place, std::string(pattern.status().message()));
  return absl::nullopt;
}

std::vector<std::string> ReadMethods(FileReader& file, Field field) {
  std::vector<std::string> methods;
  for (const std::string& text : ReadTexts(file, field)) {
    const bool word =
        !text.empty() && text.size() <= kMaxMethod &&
        text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-") ==
            std::string::npos;
    if (!word) {
      file.Refuse(*field.node, absl::StrCat("'", text, "' is not a method"),
                  "for example methods: [GET, POST]");
    }
    methods.push_back(absl::AsciiStrToUpper(text));
  }
  return methods;
}

Rule ReadRule(FileReader& file, Field field) {
  MapReader map(file, field, "a condition", absl::StrCat("'", field.name, "'"));
  Rule rule;
  rule.position = file.At(*field.node);
  rule.text = absl::StrCat(field.name, ": ", FlowText(*field.node));
  rule.path = ReadPath(file, map.Find("path"));
  rule.methods = ReadMethods(file, map.Find("methods"));
  rule.match = ReadMatch(file, map.Find("match"), "'match'");
  map.Finish();
  if (map.node().line > 0 && field.node->entries.empty()) {
    // It would be skipped by every request, which is hardly what was meant.
    file.Refuse(*field.node, absl::StrCat("'", field.name, "' says nothing"),
                std::string(kRuleHint));
  }
  return rule;
}

}  // namespace

std::vector<Exemption> ReadExemptions(FileReader& file, Field field) {
  std::vector<Exemption> exempt;
  for (const Field& item : file.Items(field)) {
    Exemption exemption;
    exemption.position = file.At(*item.node);
    exemption.text = FlowText(*item.node);
    exemption.match = ReadMatch(file, item, "an exemption");
    exempt.push_back(std::move(exemption));
  }
  return exempt;
}

Rules ReadRules(FileReader& file, Field field) {
  Rules rules;
  for (const Field& item : file.Items(field)) {
    MapReader map(file, item, "a rule");
    const Field bypass = map.Find("bypass");
    const Field apply = map.Find("apply");
    map.Finish();
    if (bypass && apply) {
      file.Refuse(*apply.node, "a rule is either 'bypass' or 'apply'",
                  "put a '-' before each of the two");
    } else if (map.node().line > 0 && item.node->entries.empty()) {
      file.Refuse(*item.node, "a rule is empty", std::string(kRuleHint));
    }
    if (bypass) rules.bypass.push_back(ReadRule(file, bypass));
    if (apply) rules.apply.push_back(ReadRule(file, apply));
  }
  return rules;
}

}  // namespace sluice
