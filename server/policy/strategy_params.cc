#include "policy/strategy_params.h"

#include <utility>

namespace sluice {
namespace {

// Whether all words are fine.
bool CheckWords(FileReader& file, absl::string_view name, const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kScalar) return file.Text({name, &node}).has_value();
  bool fine = true;
  for (const YamlNode* item : node.items) fine = CheckWords(file, name, *item) && fine;
  for (const YamlNode::Entry& entry : node.entries) {
    fine = CheckWords(file, name, *entry.key) && CheckWords(file, name, *entry.value) && fine;
  }
  return fine;
}

}  // namespace

ParamValue ToParam(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return {};
    case YamlNode::Kind::kScalar:
      return ParamValue(node.text);
    case YamlNode::Kind::kList: {
      std::vector<ParamValue> items;
      for (const YamlNode* item : node.items) items.push_back(ToParam(*item));
      return ParamValue::List(std::move(items));
    }
    case YamlNode::Kind::kMap: {
      std::vector<std::pair<std::string, ParamValue>> entries;
      for (const YamlNode::Entry& entry : node.entries) {
        entries.emplace_back(entry.key->text, ToParam(*entry.value));
      }
      return ParamValue::Map(std::move(entries));
    }
  }
  return {};
}

absl::optional<ParamValue> ReadParam(FileReader& file, Field field) {
  if (!CheckWords(file, field.name, *field.node)) return absl::nullopt;
  return ToParam(*field.node);
}

}  // namespace sluice
