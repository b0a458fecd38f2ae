#include "policy/gateway_index.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"
#include "absl/strings/match.h"

namespace sluice {
namespace {

using Throttles = std::vector<uint32_t>;
using Segment = PathPattern::Segment;

// A set of methods, a bit each; what has no bit of its own shares one.
using Methods = uint32_t;
constexpr Methods kAllMethods = ~Methods{0};
constexpr std::array<absl::string_view, 9> kKnownMethods = {
    "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE"};

Methods MethodBit(absl::string_view method) {
  size_t bit = 0;
  while (bit < kKnownMethods.size() && !absl::EqualsIgnoreCase(kKnownMethods[bit], method)) ++bit;
  return Methods{1} << bit;
}

Methods MethodsOf(const Rule& rule) {
  if (rule.methods.empty()) return kAllMethods;
  Methods methods = 0;
  for (const std::string& method : rule.methods) methods |= MethodBit(method);
  return methods;
}

// What a rule asks of a key, if the values that match can be listed.
struct Wanted {
  absl::string_view key;  // empty: nothing that can be listed
  absl::Span<const std::string> values;
};

Wanted WantedOf(const Rule& rule, bool defaults) {
  if (defaults) return {};
  for (const KeyMatcher& tested : rule.match) {
    if (tested.key == kPathKey) continue;  // it has two forms
    for (const Matcher& matcher : tested.all) {
      if (!matcher.values().empty()) return {tested.key, matcher.values()};
    }
  }
  return {};
}

uint64_t HashOf(absl::string_view value) { return absl::Hash<absl::string_view>()(value); }

void Append(const Throttles& throttles, Throttles& out) {
  out.insert(out.end(), throttles.begin(), throttles.end());
}

// Throttles by what their rules ask for beside the path.
class Shelf {
 public:
  void Add(uint32_t throttle, Methods methods, const Wanted& wanted) {
    Group& group = Named(groups_, methods);
    if (wanted.key.empty()) {
      group.any_value.push_back(throttle);
      return;
    }
    ByValue& by_value = Named(group.keys, std::string(wanted.key));
    for (const std::string& value : wanted.values) by_value[HashOf(value)].push_back(throttle);
  }

  void Collect(const RequestAttributes& request, Methods method, Throttles& out) const {
    for (const auto& [methods, group] : groups_) {
      if ((methods & method) == 0) continue;
      Append(group.any_value, out);
      for (const auto& [key, by_value] : group.keys) {
        const absl::string_view value = request.lookup(key);
        const auto found = value.empty() ? by_value.end() : by_value.find(HashOf(value));
        if (found != by_value.end()) Append(found->second, out);
      }
    }
  }

 private:
  using ByValue = absl::flat_hash_map<uint64_t, Throttles>;
  struct Group {
    Throttles any_value;
    std::vector<std::pair<std::string, ByValue>> keys;
  };

  // Few, so a list is enough.
  template <class Name, class T>
  static T& Named(std::vector<std::pair<Name, T>>& list, const Name& name) {
    const auto found = std::find_if(list.begin(), list.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    return found != list.end() ? found->second : list.emplace_back(name, T()).second;
  }

  std::vector<std::pair<Methods, Group>> groups_;
};

// Patterns by their segments; the root is node 0.
class PathTrie {
 public:
  PathTrie() : nodes_(1) {}

  Shelf& At(absl::Span<const Segment> pattern) {
    uint32_t at = 0;
    bool below_any = false;
    for (const Segment& segment : pattern) {
      at = Child(at, segment, below_any);
      below_any = below_any || segment.kind == Segment::Kind::kAny;
    }
    return nodes_[at].shelf;
  }

  // Calls visit(shelf) at least once for every pattern that matches, and for no other.
  template <class Visit>
  void Walk(absl::string_view path, const Visit& visit) const {
    if (path.empty() || path[0] != '/') return;
    Active active;
    active.entered.resize((marks_ + 63) / 64);
    Enter(0, active, visit);
    Nodes now;
    for (PathSegments segments(path); !segments.done(); segments.Next()) {
      now.swap(active.fresh);
      active.fresh.clear();
      const size_t staying = active.staying.size();
      for (size_t i = 0; i < staying; ++i) {
        Step(active.staying[i], segments.head(), active, visit);
      }
      for (uint32_t node : now) Step(node, segments.head(), active, visit);
    }
    for (uint32_t node : active.fresh) visit(nodes_[node].shelf);
  }

 private:
  using Nodes = absl::InlinedVector<uint32_t, 16>;
  static constexpr uint32_t kNone = ~uint32_t{0};

  struct Node {
    absl::flat_hash_map<std::string, uint32_t> literals;
    std::vector<std::pair<Segment, uint32_t>> globs;
    uint32_t any = kNone;   // the child that is `**`
    uint32_t mark = kNone;  // of a `**` that can be entered more than once
    Shelf shelf;
  };

  // A node has one parent, so it is entered once a segment at most, and without a `**` above it
  // once at all. Only a `**` below another is entered again while it stays, which its mark tells.
  struct Active {
    Nodes fresh;                               // entered by the last segment
    Nodes staying;                             // `**` that have children
    absl::InlinedVector<uint64_t, 4> entered;  // bits, by mark
  };

  uint32_t NewNode() {
    nodes_.emplace_back();
    return static_cast<uint32_t>(nodes_.size() - 1);
  }

  uint32_t Child(uint32_t parent, const Segment& segment, bool below_any) {
    const uint32_t found = FindChild(nodes_[parent], segment);
    if (found != kNone) return found;
    const uint32_t child = NewNode();
    switch (segment.kind) {
      case Segment::Kind::kLiteral:
        nodes_[parent].literals.emplace(segment.text, child);
        break;
      case Segment::Kind::kGlob:
        nodes_[parent].globs.emplace_back(segment, child);
        break;
      case Segment::Kind::kAny:
        nodes_[parent].any = child;
        if (below_any) nodes_[child].mark = marks_++;
        break;
    }
    return child;
  }

  static uint32_t FindChild(const Node& parent, const Segment& segment) {
    if (segment.kind == Segment::Kind::kAny) return parent.any;
    if (segment.kind == Segment::Kind::kLiteral) {
      const auto found = parent.literals.find(segment.text);
      return found == parent.literals.end() ? kNone : found->second;
    }
    const auto found =
        std::find_if(parent.globs.begin(), parent.globs.end(),
                     [&](const auto& glob) { return glob.first.text == segment.text; });
    return found == parent.globs.end() ? kNone : found->second;
  }

  template <class Visit>
  void Enter(uint32_t at, Active& active, const Visit& visit) const {
    active.fresh.push_back(at);
    const uint32_t any = nodes_[at].any;
    if (any == kNone) return;
    const Node& node = nodes_[any];
    if (node.mark != kNone) {
      uint64_t& bits = active.entered[node.mark / 64];
      const uint64_t bit = uint64_t{1} << node.mark % 64;
      if ((bits & bit) != 0) return;
      bits |= bit;
    }
    visit(node.shelf);  // it matches whatever is left of the path
    if (!node.literals.empty() || !node.globs.empty()) active.staying.push_back(any);
  }

  template <class Visit>
  void Step(uint32_t from, absl::string_view segment, Active& active, const Visit& visit) const {
    const Node& node = nodes_[from];
    if (!node.literals.empty()) {
      const auto found = node.literals.find(segment);
      if (found != node.literals.end()) Enter(found->second, active, visit);
    }
    for (const auto& [glob, child] : node.globs) {
      if (MatchesSegment(glob, segment)) Enter(child, active, visit);
    }
  }

  std::vector<Node> nodes_;
  uint32_t marks_ = 0;
};

bool CanBeFound(const Rule& rule, bool defaults) {
  if (rule.path.has_value()) return !rule.path->is_regex();
  return !rule.methods.empty() || !WantedOf(rule, defaults).key.empty();
}

bool HasPath(const Rule& rule) { return rule.path.has_value(); }
bool HasMethods(const Rule& rule) { return !rule.methods.empty(); }

}  // namespace

class GatewayIndex::Impl {
 public:
  void Add(uint32_t throttle, const Entry& entry) {
    const std::vector<Rule>& apply = entry.rules->apply;
    const auto can_be_found = [&](const Rule& rule) { return CanBeFound(rule, entry.defaults); };
    if (apply.empty() || !std::all_of(apply.begin(), apply.end(), can_be_found)) {
      always_.push_back(throttle);
      return;
    }
    for (const Rule& rule : apply) {
      Shelf& shelf = HasPath(rule) ? by_path_.At(rule.path->segments()) : without_path_;
      shelf.Add(throttle, MethodsOf(rule), WantedOf(rule, entry.defaults));
    }
    const bool path = std::any_of(apply.begin(), apply.end(), HasPath);
    const bool methods = std::any_of(apply.begin(), apply.end(), HasMethods);
    if (path) if_no_path_.push_back(throttle);
    if (methods) if_no_method_.push_back(throttle);
    if (!path && !methods) {
      if_no_key_[WantedOf(apply.front(), entry.defaults).key].push_back(throttle);
    }
  }

  void Candidates(const RequestAttributes& request, Throttles& out) const {
    out.assign(always_.begin(), always_.end());
    const Methods method = MethodBit(request.method);
    const auto collect = [&](const Shelf& shelf) { shelf.Collect(request, method, out); };
    const RequestPath& path = request.path;
    by_path_.Walk(path.raw(), collect);
    if (path.canonical() != path.raw()) by_path_.Walk(path.canonical(), collect);
    collect(without_path_);
    if (path.empty()) Append(if_no_path_, out);
    if (request.method.empty()) Append(if_no_method_, out);
    for (const auto& [key, throttles] : if_no_key_) {
      if (request.lookup(key).empty()) Append(throttles, out);
    }
    // A throttle is met by each of its rules, and by each form of the path.
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
  }

 private:
  Throttles always_;
  PathTrie by_path_;
  Shelf without_path_;
  Throttles if_no_path_;
  Throttles if_no_method_;
  absl::flat_hash_map<std::string, Throttles> if_no_key_;
};

GatewayIndex::GatewayIndex(absl::Span<const Entry> throttles) {
  auto impl = std::make_shared<Impl>();
  for (uint32_t i = 0; i < throttles.size(); ++i) {
    if (throttles[i].rules != nullptr) impl->Add(i, throttles[i]);
  }
  impl_ = std::move(impl);
}

void GatewayIndex::Candidates(const RequestAttributes& request, std::vector<uint32_t>& out) const {
  impl_->Candidates(request, out);
}

}  // namespace sluice
