// Whether a throttle applies to a request at all: its `rules`.
//
// Closed by design: in doubt a throttle applies.
//  - A key that is absent, or empty, matches nothing but `present: false`.
//  - A rule is skipped when the request carries none of its keys (path, method, those of `match`):
//    a skipped rule neither bypasses nor withholds. So a call that names a throttle and says
//    nothing of a path is limited whatever the rules say of paths.
//  - A rule that asks for nothing but absences (`{user_id: {present: false}}`) would be skipped
//    whenever it is true. As `apply` it matches then: that limits. As `bypass` it matches only when
//    the request is described, which is to say that it carries a path, a method, or a key that any
//    rule of the throttle names: who says nothing at all is not let through for what he did not
//    say.
//  - A bypass that speaks of the path, also by the key `path` of `match`, matches no odd path
//    (RequestPath), and others by their canonical form.
//  - An apply matches when it does so for either form of the path: a limit on /api holds for //api
//    and /%61pi.
//  - A rule without any key never bypasses.
#ifndef SLUICE_POLICY_RULE_H_
#define SLUICE_POLICY_RULE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "policy/matcher.h"
#include "policy/path.h"
#include "policy/position.h"
#include "policy/template.h"

namespace sluice {

// The context key that stands for the path: matched in the forms of RequestPath.
inline constexpr absl::string_view kPathKey = "path";

struct KeyMatcher {
  std::string key;
  std::vector<Matcher> all;  // all of them hold; at least one
};

// Matches when all of its keys do.
struct Rule {
  absl::optional<PathPattern> path;
  std::vector<std::string> methods;  // any of these, in any case; empty: all, and also none
  std::vector<KeyMatcher> match;
  Position position;
  std::string text;  // as people read it: which rule fired
};

struct Rules {
  std::vector<Rule> bypass;  // if any matches, the throttle does not apply
  std::vector<Rule> apply;   // if there are any that are not skipped, one must match
};

// What rules ask about. Empty is absent. `method` and `path` are what the keys of these names stand
// for, and `lookup` knows them too.
struct RequestAttributes {
  absl::string_view method;
  const RequestPath& path;
  ContextLookup lookup;
};

struct RuleVerdict {
  bool applies;
  const Rule* rule;  // the bypass or the apply that matched; nullptr: none did
};

RuleVerdict Judge(const Rules& rules, const RequestAttributes& request);

}  // namespace sluice

#endif  // SLUICE_POLICY_RULE_H_
