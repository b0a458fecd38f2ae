#include "policy/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/optional.h"
#include "core/utf8.h"

namespace sluice {
namespace {

using Kind = YamlNode::Kind;

// Bytes of the character at the front of `text`; 0 when there is none that YAML allows.
size_t CharacterSize(absl::string_view text) {
  const bool blank = text[0] == '\t' || text[0] == '\n' || text[0] == '\r';
  const bool control = absl::ascii_iscntrl(static_cast<unsigned char>(text[0]));
  return control && !blank ? 0 : Utf8Length(text);
}

// yaml-cpp takes any byte for text.
absl::optional<YamlProblem> FindBadByte(absl::string_view text) {
  YamlProblem problem;
  for (size_t at = 0; at < text.size();) {
    const size_t size = CharacterSize(text.substr(at));
    if (size == 0) {
      problem.what =
          absl::StrFormat("the byte 0x%02x is not text", static_cast<unsigned char>(text[at]));
      problem.hint = "a configuration is UTF-8 text without control characters";
      return problem;
    }
    problem.column += static_cast<int>(size);
    if (text[at] == '\n') {
      ++problem.line;
      problem.column = 1;
    }
    at += size;
  }
  return absl::nullopt;
}

// Whether `line` (from 1) is indented with a tab. yaml-cpp's words for that are far from the cause.
bool IndentedWithTab(absl::string_view text, int line) {
  for (; line > 1; --line) {
    const size_t end = text.find('\n');
    if (end == absl::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  const size_t indent = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(0, indent).find('\t') != absl::string_view::npos;
}

YamlProblem SyntaxProblem(const YAML::Exception& error, absl::string_view text) {
  YamlProblem problem;
  if (!error.mark.is_null()) {
    problem.line = error.mark.line + 1;
    problem.column = error.mark.column + 1;
  }
  problem.what = error.msg;
  for (int line = problem.line; line > 0 && line >= problem.line - 1; --line) {
    if (!IndentedWithTab(text, line)) continue;
    problem.hint = absl::StrCat("line ", line, " is indented with a tab: use spaces");
    break;
  }
  return problem;
}

}  // namespace

const YamlNode* YamlNode::Find(absl::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key->kind == Kind::kScalar && entry.key->text == key) return entry.value;
  }
  return nullptr;
}

// Throws yaml-cpp's own exception for what it refuses: the one way to stop its parser.
class YamlDocument::Builder final : public YAML::EventHandler {
 public:
  explicit Builder(YamlDocument& document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) Stop(mark, "a second YAML document begins: a file holds one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode* node = New(mark, anchor, Kind::kNull);
    // yaml-cpp's mark is that of whatever comes next.
    if (!open_.empty() && open_.back().key != nullptr) {
      node->line = open_.back().key->line;
      node->column = open_.back().key->column;
    }
    Place(*node);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) Stop(mark, "the alias has no anchor");
    const YamlNode& target = *found->second;
    for (const Open& open : open_) {
      if (open.node == &target) Stop(mark, "the alias stands within its own anchor");
    }
    Count(target.size, mark);
    CountBytes(target.bytes, mark);
    Place(target);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode* node = New(mark, anchor, Kind::kScalar);
    node->plain = tag == "?";  // how yaml-cpp marks them
    node->text = value;
    node->bytes = value.size();
    CountBytes(node->bytes, mark);
    Place(*node);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Enter(mark, New(mark, anchor, Kind::kList));
  }
  void OnSequenceEnd() override { Leave(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Enter(mark, New(mark, anchor, Kind::kMap));
  }
  void OnMapEnd() override {
    MergeInto(*open_.back().node);
    Leave();
  }

 private:
  struct Open {
    YamlNode* node;
    const YamlNode* key;  // of a map, while its value is awaited
  };

  [[noreturn]] static void Stop(const YAML::Mark& mark, const std::string& why) {
    throw YAML::ParserException(mark, why);
  }

  void Count(size_t nodes, const YAML::Mark& mark) {
    count_ += nodes;
    if (count_ > kMaxNodes) {
      Stop(mark, absl::StrCat("the file has more than ", kMaxNodes, " nodes, aliases included"));
    }
  }

  void CountBytes(size_t bytes, const YAML::Mark& mark) {
    bytes_ += bytes;
    if (bytes_ > kMaxTextBytes) {
      Stop(mark,
           absl::StrCat("the values have more than ", kMaxTextBytes, " bytes, aliases included"));
    }
  }

  YamlNode* New(const YAML::Mark& mark, YAML::anchor_t anchor, Kind kind) {
    Count(1, mark);
    YamlNode& node = document_.nodes_.emplace_back();
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    node.file = &document_.name_;
    node.is_key = AwaitsKey();
    if (anchor != YAML::NullAnchor) anchors_[anchor] = &node;
    return &node;
  }

  bool AwaitsKey() const {
    return !open_.empty() && open_.back().node->kind == Kind::kMap && open_.back().key == nullptr;
  }

  void Enter(const YAML::Mark& mark, YamlNode* node) {
    if (open_.size() == kMaxDepth) {
      Stop(mark, absl::StrCat("lists and maps are nested more than ", kMaxDepth, " levels deep"));
    }
    open_.push_back({node, nullptr});
  }

  void Leave() {
    const YamlNode& node = *open_.back().node;
    open_.pop_back();
    Place(node);
  }

  void Place(const YamlNode& node) {
    if (open_.empty()) {
      document_.root_ = &node;
      return;
    }
    Open& parent = open_.back();
    parent.node->size += node.size;
    parent.node->bytes += node.bytes;
    if (parent.node->kind == Kind::kList) {
      parent.node->items.push_back(&node);
    } else if (parent.key == nullptr) {
      parent.key = &node;
    } else {
      parent.node->entries.push_back({std::exchange(parent.key, nullptr), &node});
    }
  }

  // Checks that each key is there once, and puts in what `<<` names: own keys win, then the earlier
  // map of a list.
  void MergeInto(YamlNode& map) {
    std::vector<YamlNode::Entry> own;
    absl::flat_hash_set<absl::string_view> names;
    std::vector<const YamlNode*> merges;
    for (const YamlNode::Entry& entry : map.entries) {
      if (entry.key->plain && entry.key->text == "<<") {
        merges.push_back(entry.value);
      } else if (entry.key->kind == Kind::kScalar && !names.insert(entry.key->text).second) {
        Report(*entry.key, absl::StrCat("the key '", entry.key->text, "' is here twice"),
               "keep one of them");
      } else {
        own.push_back(entry);
      }
    }
    for (const YamlNode* merge : merges) {
      if (merge->kind == Kind::kList) {
        for (const YamlNode* map_of_list : merge->items) Merge(*map_of_list, names, own);
      } else {
        Merge(*merge, names, own);
      }
    }
    map.entries = std::move(own);
  }

  void Merge(const YamlNode& from, absl::flat_hash_set<absl::string_view>& names,
             std::vector<YamlNode::Entry>& own) {
    if (from.kind != Kind::kMap) {
      Report(from, "'<<' merges maps only", "for example <<: *defaults");
      return;
    }
    for (const YamlNode::Entry& entry : from.entries) {
      if (entry.key->kind != Kind::kScalar || names.insert(entry.key->text).second) {
        own.push_back(entry);
      }
    }
  }

  void Report(const YamlNode& at, std::string what, std::string hint) {
    document_.problems_.push_back({at.line, at.column, std::move(what), std::move(hint)});
  }

  YamlDocument& document_;
  int documents_ = 0;
  size_t count_ = 0;
  size_t bytes_ = 0;
  std::vector<Open> open_;
  absl::flat_hash_map<YAML::anchor_t, const YamlNode*> anchors_;
};

YamlDocument::YamlDocument(absl::string_view text, std::string name) : name_(std::move(name)) {
  if (text.size() > kMaxBytes) {
    problems_.push_back({1, 1, absl::StrCat("the file is larger than ", kMaxBytes, " bytes"), ""});
    return;
  }
  if (absl::optional<YamlProblem> problem = FindBadByte(text); problem.has_value()) {
    problems_.push_back(*std::move(problem));
    return;
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder(*this);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    root_ = nullptr;
    problems_.push_back(SyntaxProblem(error, text));
    return;
  }
  if (root_ == nullptr || root_->kind == Kind::kNull) {
    root_ = nullptr;
    problems_.push_back({1, 1, "the file is empty", ""});
  }
}

}  // namespace sluice
