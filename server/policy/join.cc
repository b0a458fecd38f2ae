#include "policy/join.h"

#include <map>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sluice {
namespace {

using Kind = YamlNode::Kind;
using Entry = YamlNode::Entry;

// The lists and maps that grow from file to file.
bool IsJoined(const YamlNode& key) {
  return key.text == "backends" || key.text == "tenants" || key.text == "throttles";
}

class Joiner {
 public:
  Joiner(FileReader& reader, std::deque<YamlNode>& nodes) : reader_(reader), nodes_(nodes) {
    root_.node = &nodes_.emplace_back();
    root_.node->kind = Kind::kMap;
  }

  void Add(const YamlNode& root) {
    if (!reader_.IsMap({"the configuration", &root}, "the configuration")) return;
    for (const Entry& entry : root.entries) {
      if (entry.key->kind != Kind::kScalar || !IsJoined(*entry.key)) {
        Put(root_, entry);
      } else if (entry.key->text == "throttles") {
        AddItems(entry);
      } else {
        AddRows(entry);
      }
    }
  }

  const YamlNode& root() const { return *root_.node; }

 private:
  struct Joined {
    YamlNode* node = nullptr;
    absl::flat_hash_map<absl::string_view, const YamlNode*> keys;  // where each stood first
  };

  void Put(Joined& map, const Entry& entry) {
    // What is wrong with a key that is no word is told when the map is read.
    const bool word = entry.key->kind == Kind::kScalar;
    const auto [first, fresh] = map.keys.try_emplace(entry.key->text, entry.key);
    if (fresh || !word) {
      map.node->entries.push_back(entry);
    } else {
      reader_.Refuse(*entry.key,
                     absl::StrCat("'", entry.key->text, "' is already ",
                                  reader_.Elsewhere(reader_.At(*first->second), *entry.key)),
                     "keep one of them");
    }
  }

  // What the values of this key grow into.
  Joined& Section(const Entry& entry, Kind kind) {
    Joined& section = sections_[entry.key->text];
    if (section.node == nullptr) {
      section.node = &nodes_.emplace_back();
      section.node->kind = kind;
      section.node->file = entry.value->file;
      section.node->line = entry.value->line;
      section.node->column = entry.value->column;
      Put(root_, {entry.key, section.node});
    }
    return section;
  }

  void AddItems(const Entry& entry) {
    const Joined& section = Section(entry, Kind::kList);
    for (const Field& item : reader_.Items({entry.key->text, entry.value})) {
      section.node->items.push_back(item.node);
    }
  }

  void AddRows(const Entry& entry) {
    const absl::string_view name = entry.key->text;
    if (!reader_.IsMap({name, entry.value}, absl::StrCat("'", name, "'"))) return;
    Joined& section = Section(entry, Kind::kMap);
    for (const Entry& row : entry.value->entries) Put(section, row);
  }

  FileReader& reader_;
  std::deque<YamlNode>& nodes_;
  Joined root_;
  std::map<absl::string_view, Joined> sections_;
};

}  // namespace

const YamlNode& Join(FileReader& reader, const std::vector<const YamlNode*>& roots,
                     std::deque<YamlNode>& nodes) {
  Joiner joiner(reader, nodes);
  for (const YamlNode* root : roots) joiner.Add(*root);
  return joiner.root();
}

}  // namespace sluice
