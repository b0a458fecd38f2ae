#include "policy/strategy_params.h"

#include <utility>

namespace sluice {

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

}  // namespace sluice
