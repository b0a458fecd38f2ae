#include "policy/strategy_params.h"

#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using Kind = YamlNode::Kind;

absl::optional<ParamValue> ReadList(FileReader& file, Field field) {
  std::vector<ParamValue> items;
  bool fine = true;
  for (const YamlNode* node : field.node->items) {
    absl::optional<ParamValue> item = ReadParam(file, {field.name, node});
    fine = fine && item.has_value();
    if (fine) items.push_back(*std::move(item));
  }
  if (!fine) return absl::nullopt;
  return ParamValue::List(std::move(items));
}

absl::optional<ParamValue> ReadMap(FileReader& file, Field field) {
  std::vector<std::pair<std::string, ParamValue>> entries;
  bool fine = true;
  for (const YamlNode::Entry& entry : field.node->entries) {
    absl::optional<std::string> key = file.Text({field.name, entry.key});
    absl::optional<ParamValue> value = ReadParam(file, {field.name, entry.value});
    fine = fine && key.has_value() && value.has_value();
    if (fine) entries.emplace_back(*std::move(key), *std::move(value));
  }
  if (!fine) return absl::nullopt;
  return ParamValue::Map(std::move(entries));
}

}  // namespace

absl::optional<ParamValue> ReadParam(FileReader& file, Field field) {
  switch (field.node->kind) {
    case Kind::kNull:
      return ParamValue();
    case Kind::kScalar: {
      absl::optional<std::string> text = file.Text(field);
      if (!text.has_value()) return absl::nullopt;
      return ParamValue(*std::move(text));
    }
    case Kind::kList:
      return ReadList(file, field);
    case Kind::kMap:
      return ReadMap(file, field);
  }
  return absl::nullopt;
}

}  // namespace sluice
