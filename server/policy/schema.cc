#include "policy/schema.h"

#include <cstdlib>
#include <iostream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "policy/keys.h"
#include "strategy/limit.h"

namespace sluice {
namespace {

// Members of JSON objects. A quoted number or flag is as good as a plain one.
constexpr absl::string_view kText = R"("type": ["string", "number", "boolean"])";
constexpr absl::string_view kName =
    R"("type": ["string", "number", "boolean"], "minLength": 1, "maxLength": 256)";
constexpr absl::string_view kFlag =
    R"("anyOf": [{"type": "boolean"}, )"
    R"({"type": "string", "pattern": "^([Tt]rue|[Ff]alse|[Yy]es|[Nn]o|[Oo]n|[Oo]ff)$|\\$\\{"}])";
constexpr absl::string_view kDuration =
    R"("type": ["string", "integer"], "minimum": 0, "maximum": 0, )"
    R"("pattern": "^\\s*[0-9]+\\s*[A-Za-z]+\\s*$|^0$|\\$\\{")";
constexpr absl::string_view kRate =
    R"("type": "string", "pattern": )"
    R"("^\\s*[0-9]+(\\s*/|\\s+[Pp][Ee][Rr]\\s)|^\\s*[Uu][Nn][Ll][Ii][Mm][Ii][Tt][Ee][Dd]\\s*$|\\$\\{")";
constexpr absl::string_view kShare = R"("anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, )"
                                     R"({"type": "string", "pattern": "^[0-9.]+$|\\$\\{"}])";
constexpr absl::string_view kVariable = R"({"type": "string", "pattern": "\\$\\{"})";

std::string Quote(absl::string_view text) {
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
}

std::string QuoteAll(const std::vector<absl::string_view>& words) {
  return absl::StrJoin(words, ", ", [](std::string* out, absl::string_view word) {
    absl::StrAppend(out, Quote(word));
  });
}

std::string Enum(const std::vector<absl::string_view>& words) {
  return absl::StrCat("\"anyOf\": [{\"enum\": [", QuoteAll(words), "]}, ", kVariable, "]");
}

std::string Whole(absl::string_view range) {
  const std::vector<absl::string_view> ends = absl::StrSplit(range, " to ");
  return absl::StrCat("\"anyOf\": [{\"type\": \"integer\", \"minimum\": ", ends.front(),
                      ", \"maximum\": ", ends.back(),
                      R"(}, {"type": "string", "pattern": "^[0-9_]+$|\\$\\{"}])");
}

std::string Number(absl::string_view range) {
  const std::vector<absl::string_view> ends = absl::StrSplit(range, " to ");
  return absl::StrCat("\"anyOf\": [{\"type\": \"number\", \"minimum\": ", ends.front(),
                      ", \"maximum\": ", ends.back(),
                      R"(}, {"type": "string", "pattern": "^[0-9.]+$|\\$\\{"}])");
}

std::vector<absl::string_view> RequiredKeys(const ConfigSection& section) {
  std::vector<absl::string_view> keys;
  for (const ConfigKey& key : section.keys) {
    if (key.required()) keys.push_back(key.key);
  }
  return keys;
}

std::string Reference(absl::string_view name, bool whole) {
  const ConfigSection& section = ConfigSectionOf(name);
  const std::string reference =
      absl::StrCat("\"$ref\": ", Quote(absl::StrCat("#/$defs/", SectionWord(section.name))));
  const std::vector<absl::string_view> required = RequiredKeys(section);
  if (!whole || required.empty()) return reference;
  return absl::StrCat(reference, ", \"type\": \"object\", \"required\": [", QuoteAll(required),
                      "]");
}

// `word` is `{SECTION}`, or several with a `|` between.
std::string References(absl::string_view word, bool whole) {
  const std::vector<absl::string_view> names = absl::StrSplit(word.substr(1, word.size() - 2), '|');
  if (names.size() == 1) return Reference(names.front(), whole);
  return absl::StrCat("\"anyOf\": [",
                      absl::StrJoin(names, ", ",
                                    [whole](std::string* out, absl::string_view name) {
                                      absl::StrAppend(out, "{", Reference(name, whole), "}");
                                    }),
                      "]");
}

std::string Value(absl::string_view type) {
  if (type == "text") return std::string(kText);
  if (type == "name") return std::string(kName);
  if (type == "flag") return std::string(kFlag);
  if (type == "duration") return std::string(kDuration);
  if (type == "rate") return std::string(kRate);
  if (type == "share") return std::string(kShare);
  if (type == "strategy") return Enum(StrategyNames());
  if (absl::ConsumePrefix(&type, "one of ")) return Enum(absl::StrSplit(type, ", "));
  if (absl::ConsumePrefix(&type, "whole from ")) return Whole(type);
  if (absl::ConsumePrefix(&type, "number from ")) return Number(type);
  if (absl::ConsumePrefix(&type, "some of ")) return References(type, /*whole=*/false);
  if (absl::StartsWith(type, "{")) return References(type, /*whole=*/true);
  if (absl::ConsumePrefix(&type, "list of ")) {
    return absl::StrCat("\"type\": [\"array\", \"null\"], \"items\": {", Value(type), "}");
  }
  if (absl::ConsumePrefix(&type, "map of ")) {
    return absl::StrCat("\"type\": [\"object\", \"null\"], \"additionalProperties\": {",
                        Value(type), "}");
  }
  // Only what the table itself says gets here.
  std::cerr << "policy/keys.cc has an unknown type '" << type << "'\n";
  std::abort();
}

std::string Type(absl::string_view type) {
  const std::vector<absl::string_view> values = absl::StrSplit(type, " or ");
  if (values.size() == 1) return Value(type);
  return absl::StrCat("\"anyOf\": [",
                      absl::StrJoin(values, ", ",
                                    [](std::string* out, absl::string_view value) {
                                      absl::StrAppend(out, "{", Value(value), "}");
                                    }),
                      "]");
}

std::string Property(const ConfigKey& key) {
  const std::string standard =
      key.required() ? "Required" : absl::StrCat("Default: ", key.standard);
  return absl::StrCat("        ", Quote(key.key), ": {\n          \"description\": ",
                      Quote(absl::StrCat(key.doc, ". ", standard, ".")), ",\n          ",
                      Type(key.type), "\n        }");
}

std::string Definition(const ConfigSection& section) {
  std::vector<std::string> properties;
  for (const ConfigKey& key : section.keys) properties.push_back(Property(key));
  return absl::StrCat("    ", Quote(SectionWord(section.name)),
                      ": {\n      \"type\": [\"object\", \"null\"],\n      "
                      "\"additionalProperties\": ",
                      section.open ? "true" : "false", ",\n      \"properties\": {\n",
                      absl::StrJoin(properties, ",\n"), "\n      }\n    }");
}

}  // namespace

std::string JsonSchema() {
  std::vector<std::string> definitions;
  for (const ConfigSection& section : ConfigSections()) {
    definitions.push_back(Definition(section));
  }
  return absl::StrCat(R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "The configuration of Sluice",
  "$ref": )",
                      Quote(absl::StrCat("#/$defs/", SectionWord(ConfigSections().front().name))),
                      ",\n  \"$defs\": {\n", absl::StrJoin(definitions, ",\n"), "\n  }\n}\n");
}

std::string SectionWord(absl::string_view section) {
  if (!absl::ConsumePrefix(&section, "a ")) absl::ConsumePrefix(&section, "the ");
  return absl::StrReplaceAll(section, {{" ", "_"}});
}

}  // namespace sluice
