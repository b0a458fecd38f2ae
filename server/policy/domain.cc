#include "policy/domain.h"

#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "policy/glob.h"

namespace sluice {
namespace {

using Buffer = absl::InlinedVector<char, 128>;

// In a buffer that lives on the stack: Match asks for every entry of every request.
absl::string_view ChildIn(Buffer& buffer, absl::string_view key, absl::string_view value) {
  const absl::AlphaNum length(key.size());
  buffer.clear();
  for (absl::string_view part : {length.Piece(), absl::string_view(":"), key, value}) {
    buffer.insert(buffer.end(), part.begin(), part.end());
  }
  return absl::string_view(buffer.data(), buffer.size());
}

struct Step {
  const Domain::Node* node;
  bool exact;
};

Step Descend(const Domain::Node& node, const DescriptorEntry& entry, Buffer& buffer) {
  if (!node.exact.empty()) {
    const auto exact = node.exact.find(ChildIn(buffer, entry.key, entry.value));
    if (exact != node.exact.end()) return {exact->second.get(), true};
  }
  for (const Domain::Node::Wildcard& wildcard : node.wildcards) {
    if (wildcard.key == entry.key && MatchesStars(wildcard.pattern, entry.value)) {
      return {wildcard.node.get(), false};
    }
  }
  const auto by_key = node.by_key.find(entry.key);
  return {by_key == node.by_key.end() ? nullptr : by_key->second.get(), false};
}

void Collect(const Domain::Node& node, std::vector<const DescriptorLimit*>& limits) {
  if (node.limit.has_value()) limits.push_back(&*node.limit);
  for (const auto& [key, child] : node.exact) Collect(*child, limits);
  for (const auto& [key, child] : node.by_key) Collect(*child, limits);
  for (const Domain::Node::Wildcard& wildcard : node.wildcards) Collect(*wildcard.node, limits);
}

}  // namespace

std::string Domain::Node::Child(absl::string_view key, absl::string_view value) {
  Buffer buffer;
  return std::string(ChildIn(buffer, key, value));
}

DescriptorMatch Domain::Match(absl::Span<const DescriptorEntry> entries) const {
  DescriptorMatch match;
  Buffer buffer;
  const Node* node = &root_;
  bool exact_so_far = true;
  for (const DescriptorEntry& entry : entries) {
    const Step step = Descend(*node, entry, buffer);
    if (step.node == nullptr) return match;
    node = step.node;
    exact_so_far = exact_so_far && step.exact;
    if (exact_so_far) ++match.exact_prefix;
  }
  if (node->limit.has_value()) match.limit = &*node->limit;
  return match;
}

std::vector<const DescriptorLimit*> Domain::Limits() const {
  std::vector<const DescriptorLimit*> limits;
  Collect(root_, limits);
  std::sort(limits.begin(), limits.end(),
            [](const DescriptorLimit* a, const DescriptorLimit* b) { return a->path < b->path; });
  return limits;
}

}  // namespace sluice
