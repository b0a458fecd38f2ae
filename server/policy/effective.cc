#include "policy/effective.h"

#include <deque>

#include "absl/strings/string_view.h"
#include "policy/yaml_writer.h"

namespace sluice {
namespace {

using Kind = YamlNode::Kind;

// A copy of a configuration's upper levels, changed; what lies below is shared.
class Effective {
 public:
  explicit Effective(const YamlNode& root) : root_(root) {
    root_.kind = Kind::kMap;  // an empty one is nothing
  }

  const YamlNode& root() const { return root_; }

  void FoldDefaults() {
    const YamlNode* defaults = root_.Find("defaults");
    const YamlNode* throttles = root_.Find("throttles");
    if (defaults == nullptr) return;
    Remove("defaults");
    if (throttles == nullptr) return;
    YamlNode& list = New(*throttles);
    for (const YamlNode*& item : list.items) {
      YamlNode& throttle = New(*item);
      for (const YamlNode::Entry& entry : defaults->entries) {
        if (item->Find(entry.key->text) == nullptr) throttle.entries.push_back(entry);
      }
      item = &throttle;
    }
    Set(root_, "throttles", list);
  }

  void AddDomainFiles(const std::vector<std::string>& paths) {
    if (paths.empty()) return;
    YamlNode& domains = CopyOf(root_, "domains", Kind::kMap);
    YamlNode& files = CopyOf(domains, "files", Kind::kList);
    for (const std::string& path : paths) files.items.push_back(&Word(path));
  }

 private:
  YamlNode& New(const YamlNode& node) { return nodes_.emplace_back(node); }

  YamlNode& Word(absl::string_view text) {
    YamlNode& node = nodes_.emplace_back();
    node.kind = Kind::kScalar;
    node.plain = true;
    node.text = std::string(text);
    return node;
  }

  void Set(YamlNode& map, absl::string_view key, const YamlNode& value) {
    for (YamlNode::Entry& entry : map.entries) {
      if (entry.key->text != key) continue;
      entry.value = &value;
      return;
    }
    map.entries.push_back({&Word(key), &value});
  }

  // The value of the key, as one that can be changed.
  YamlNode& CopyOf(YamlNode& map, absl::string_view key, Kind kind) {
    const YamlNode* value = map.Find(key);
    YamlNode& copy = value == nullptr ? nodes_.emplace_back() : New(*value);
    copy.kind = kind;
    Set(map, key, copy);
    return copy;
  }

  void Remove(absl::string_view key) {
    for (auto entry = root_.entries.begin(); entry != root_.entries.end(); ++entry) {
      if (entry->key->text != key) continue;
      root_.entries.erase(entry);
      return;
    }
  }

  YamlNode root_;
  std::deque<YamlNode> nodes_;
};

}  // namespace

std::string EffectiveYaml(const YamlNode& root, const std::vector<std::string>& domain_files,
                          const Outside& outside) {
  Effective effective(root);
  effective.FoldDefaults();
  effective.AddDomainFiles(domain_files);
  return WriteYaml(effective.root(), [&](const YamlNode& scalar) -> absl::optional<std::string> {
    if (outside.concealed.contains(&scalar) && !IsReference(scalar.text)) return "***";
    if (scalar.is_key || !HasVariables(scalar.text)) return absl::nullopt;
    return MaskDefaults(scalar.text);
  });
}

}  // namespace sluice
