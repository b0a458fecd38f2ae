// YAML as an immutable tree in which every node knows where it stands.
//
// yaml-cpp's own nodes are mutable, shared and hide aliases; this tree is built from its events, so
// that it can be bounded while it is read.
#ifndef SLUICE_POLICY_YAML_H_
#define SLUICE_POLICY_YAML_H_

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice {

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  struct Entry;

  Kind kind = Kind::kNull;
  int line = 0;  // both count from 1; columns are bytes
  int column = 0;
  const std::string* file = nullptr;   // the document's name; nullptr for a node of no document
  bool is_key = false;                 // of a map
  bool plain = false;                  // a scalar without quotes
  std::string text;                    // of a scalar
  std::vector<const YamlNode*> items;  // of a list
  // Of a map, in file order, each key once; merge keys (`<<`) are merged.
  std::vector<Entry> entries;
  // Nodes in and below it, those behind aliases counted each time.
  size_t size = 1;
  // Bytes of the texts in and below it, counted in the same way.
  size_t bytes = 0;

  // The value of a map's key; nullptr for none.
  const YamlNode* Find(absl::string_view key) const;
};

struct YamlNode::Entry {
  const YamlNode* key;
  const YamlNode* value;
};

struct YamlProblem {
  int line = 1;
  int column = 1;
  std::string what;
  std::string hint;
};

// One document. Owns its nodes, which an alias may place in several parents.
class YamlDocument {
 public:
  static constexpr size_t kMaxBytes = size_t{8} << 20;
  static constexpr size_t kMaxDepth = 64;
  static constexpr size_t kMaxNodes = 1'000'000;             // after aliases
  static constexpr size_t kMaxTextBytes = size_t{16} << 20;  // of texts, after aliases

  // `name` is what its nodes call their file.
  explicit YamlDocument(absl::string_view text, std::string name = "");
  YamlDocument(const YamlDocument&) = delete;
  YamlDocument& operator=(const YamlDocument&) = delete;

  const std::string& name() const { return name_; }
  // nullptr when the text is no YAML document, or an empty one.
  const YamlNode* root() const { return root_; }
  // What is wrong with the YAML itself; repeated keys leave a root.
  const std::vector<YamlProblem>& problems() const { return problems_; }

 private:
  class Builder;

  const std::string name_;
  std::deque<YamlNode> nodes_;
  const YamlNode* root_ = nullptr;
  std::vector<YamlProblem> problems_;
};

}  // namespace sluice

#endif  // SLUICE_POLICY_YAML_H_
