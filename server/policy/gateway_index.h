// Which throttles may apply to a request, without asking each of them.
//
// A gateway's request names no throttles, so all that apply must be found, among thousands of which
// a few do. The index answers with candidates, a superset, and Judge (policy/rule.h) decides on
// each. So the index may be coarse, but must never miss one. A throttle applies when one of its
// apply rules matches, or when all of them are skipped, and it is found by either:
//
//  - A rule that matches is found through its path. The patterns stand in one trie by segments: a
//    literal child is found by hash, a child with `*` is tried, and a `**` is a node that stays.
//    The trie is walked as an automaton, once over the path's segments with the set of nodes that
//    are active, so that it costs what matches and not what stands beside it. A path of which the
//    canonical form differs is walked in both. Where a pattern ends, throttles stand by the set of
//    their methods and by a value that they ask for (`equals` or `in`), so that other methods and
//    other values are never met. Rules without a path stand so in one place of their own.
//  - All rules of a throttle are skipped only if the request lacks a path, when one of them has a
//    path; lacks a method, when one of them has methods; else lacks the key of the first. What a
//    request lacks is known at once, and the throttles for which that is enough stand in a list.
//
// Whom neither can find is always a candidate: a throttle without apply rules, with a regex for a
// path, or with a rule that asks only for values, and not for equal ones. Of values the index keeps
// and compares hashes alone: a secret's bytes are compared in Matcher and nowhere else.
#ifndef SLUICE_POLICY_GATEWAY_INDEX_H_
#define SLUICE_POLICY_GATEWAY_INDEX_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "policy/rule.h"

namespace sluice {

// Immutable, cheap to copy.
class GatewayIndex {
 public:
  // A throttle; its number is its place in the list.
  struct Entry {
    const Rules*
        rules;  // nullptr: not for gateways, never a candidate. Read by the constructor only
    // The throttle brings context of its own, which a request's lookup does not know: values cannot
    // tell that it is no candidate.
    bool defaults;
  };

  GatewayIndex() : GatewayIndex(absl::Span<const Entry>()) {}
  explicit GatewayIndex(absl::Span<const Entry> throttles);

  // Replaces `out` by the numbers of all throttles for which Judge may say that they apply, in
  // ascending order. What the request's lookup answers must hold for each throttle without context
  // of its own, and a path, a method or a value that it has must win over what a throttle brings.
  // Allocates only where `out` must grow, or for a path of two forms or many active nodes.
  void Candidates(const RequestAttributes& request, std::vector<uint32_t>& out) const;

 private:
  class Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace sluice

#endif  // SLUICE_POLICY_GATEWAY_INDEX_H_
