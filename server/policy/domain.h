// Envoy rate limit domains: a tree of descriptors in envoyproxy/ratelimit's own grammar.
#ifndef SLUICE_POLICY_DOMAIN_H_
#define SLUICE_POLICY_DOMAIN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "core/rate.h"
#include "strategy/limit.h"

namespace sluice {

// One limit of a domain, as it stands at a node of the tree.
struct DescriptorLimit {
  // The levels joined with `.`, each `key` or `key_value` as the file has it: "foo.bar_baz". For
  // metrics and /rlconfig; the domain is not part of it.
  std::string path;
  std::string name;  // from the file; may be empty
  bool shadow = false;
  bool unlimited = false;
  absl::optional<Limit> limit;  // nullopt iff unlimited
};

// Bytes, as the caller sent them.
struct DescriptorEntry {
  absl::string_view key;
  absl::string_view value;
};

struct DescriptorMatch {
  // nullptr: no limit applies.
  const DescriptorLimit* limit = nullptr;
  // How many entries, from the first, matched a configured value exactly; what comes behind the
  // first that matched by key alone or by wildcard does not count. Equal to the number of entries
  // when all of them did.
  size_t exact_prefix = 0;
};

// Immutable.
class Domain {
 public:
  struct Node {
    absl::optional<DescriptorLimit> limit;
    absl::flat_hash_map<std::string, std::unique_ptr<Node>> exact;  // by Child(key, value)
    absl::flat_hash_map<std::string, std::unique_ptr<Node>> by_key;
    // In file order; `*` in the pattern is zero or more characters.
    struct Wildcard {
      std::string key;
      std::string pattern;
      std::unique_ptr<Node> node;
    };
    std::vector<Wildcard> wildcards;

    // What `exact` is keyed by: length-prefixed, so that `a`,`b_c` and `a_b`,`c` never meet.
    static std::string Child(absl::string_view key, absl::string_view value);
  };

  explicit Domain(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  Node& root() { return root_; }

  // Per entry: exact value, then wildcards in file order, then key alone. No backtracking; a limit
  // applies only at the last entry.
  DescriptorMatch Match(absl::Span<const DescriptorEntry> entries) const;

  // Every limit, by path, for /rlconfig.
  std::vector<const DescriptorLimit*> Limits() const;

 private:
  std::string name_;
  Node root_;
};

}  // namespace sluice

#endif  // SLUICE_POLICY_DOMAIN_H_
