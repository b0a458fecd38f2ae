// Patterns match as a slow, obvious reference says, and the index misses no throttle.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "policy/gateway_index.h"

namespace sluice {
namespace {

using Texts = std::vector<std::string>;
using Values = std::map<std::string, std::string, std::less<>>;

template <class T>
T OneOf(std::vector<T> choices) {
  return *rc::gen::elementOf(std::move(choices));
}

bool Chance(int percent) { return *rc::gen::inRange(0, 100) < percent; }

Texts SomeOf(const Texts& choices, int least, int most) {
  const int count = *rc::gen::inRange(least, most + 1);
  Texts chosen;
  for (int i = 0; i < count; ++i) chosen.push_back(OneOf(choices));
  return chosen;
}

// --- The reference: every way is tried.

bool SlowGlob(absl::string_view pattern, absl::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return SlowGlob(pattern.substr(1), text) ||
           (!text.empty() && SlowGlob(pattern, text.substr(1)));
  }
  return !text.empty() && pattern[0] == text[0] && SlowGlob(pattern.substr(1), text.substr(1));
}

bool SlowSegments(absl::Span<const std::string> pattern, absl::Span<const std::string> path) {
  if (pattern.empty()) return path.empty();
  if (pattern[0] == "**") {
    return SlowSegments(pattern.subspan(1), path) ||
           (!path.empty() && SlowSegments(pattern, path.subspan(1)));
  }
  return !path.empty() && SlowGlob(pattern[0], path[0]) &&
         SlowSegments(pattern.subspan(1), path.subspan(1));
}

Texts Split(absl::string_view path) {
  path = absl::StripPrefix(absl::StripSuffix(path, "/"), "/");
  return path.empty() ? Texts() : Texts(absl::StrSplit(path, '/'));
}

bool SlowMatches(absl::string_view pattern, absl::string_view path) {
  if (!absl::StrContains(pattern, '*')) {
    const std::string prefix = absl::StrCat(absl::StripSuffix(pattern, "/"), "/");
    return absl::StartsWith(absl::StrCat(path, "/"), prefix);
  }
  return SlowSegments(Split(pattern), Split(path));
}

// --- Random patterns and paths.

std::string RandomPattern() {
  const Texts segments = SomeOf({"a", "a", "b", "*", "a*", "*b", "a*b*a", "**", "**"}, 0, 6);
  return absl::StrCat("/", absl::StrJoin(segments, "/"),
                      Chance(20) && !segments.empty() ? "/" : "");
}

std::string UsualPath() {
  const Texts segments = SomeOf({"a", "a", "a", "b", "ab", "abbaba"}, 0, 8);
  return absl::StrCat("/", absl::StrJoin(segments, "/"),
                      Chance(20) && !segments.empty() ? "/" : "");
}

// Much of what somebody may send.
std::string AnyPath() {
  if (Chance(10)) return "";
  if (Chance(50)) return UsualPath();
  return absl::StrJoin(SomeOf({"a", "b", "/", "/", "/", ".", "..", "%61", "%62", "%2f", "%2E", "\\",
                               "%", ";", "?", "http://a"},
                              0, 9),
                       "");
}

RC_GTEST_PROP(PathPatternPropertyTest, AgreesWithTryingEveryWay, ()) {
  for (int i = 0; i < 500; ++i) {
    const std::string text = RandomPattern();
    const std::string path = UsualPath();
    const absl::StatusOr<PathPattern> pattern = PathPattern::Parse(text);
    RC_ASSERT(pattern.ok());
    if (pattern->Matches(path) != SlowMatches(text, path)) RC_FAIL(text + " on " + path);
  }
}

RC_GTEST_PROP(PathPatternPropertyTest, AnyTextIsAPatternOrAnError, (const std::string& text)) {
  const absl::StatusOr<PathPattern> pattern = PathPattern::Parse("/" + text);
  if (pattern.ok()) {
    RC_ASSERT(!pattern->segments().empty());
  } else {
    RC_ASSERT(absl::StartsWith(pattern.status().message(), "path '"));
  }
}

RC_GTEST_PROP(RequestPathPropertyTest, ACanonicalFormIsUsual, (const std::string& text)) {
  for (int i = 0; i < 50; ++i) {
    const std::string target = i == 0 ? text : AnyPath();
    const RequestPath path(target);
    RC_ASSERT(path.empty() == path.canonical().empty());
    const RequestPath again(path.canonical());
    RC_ASSERT(!again.odd());
    RC_ASSERT(again.canonical() == path.canonical());
    if (path.canonical() == path.raw()) RC_ASSERT(!path.odd());
  }
}

// --- Random rules and requests.

const Texts kKeys = {"k", "l", "path", "method"};
const Texts kValues = {"x", "y", "xy", "/a", "GET"};

Matcher RandomMatcher() {
  switch (*rc::gen::inRange(0, 8)) {
    case 0:
    case 1:
      return Matcher::Equals(OneOf(kValues));
    case 2:
      return Matcher::In(SomeOf(kValues, 0, 3));
    case 3:
      return Matcher::Prefix(OneOf(kValues));
    case 4:
      return *Matcher::Glob(OneOf(Texts{"*", "x*", "?", "*y"}));
    case 5:
      return *Matcher::Regex(OneOf(Texts{".*", "x?y?", "/.*"}));
    default:
      return Matcher::Present(Chance(50));
  }
}

Rule RandomRule() {
  Rule rule;
  if (Chance(60)) {
    rule.path = Chance(10) ? *PathPattern::Regex(OneOf(Texts{"/a.*", "/[ab]*/.*", ".*"}))
                           : *PathPattern::Parse(RandomPattern());
  }
  if (Chance(40)) rule.methods = SomeOf({"GET", "post", "PUT", "PURGE", "LOCK"}, 1, 2);
  if (Chance(50)) {
    for (const std::string& key : SomeOf(kKeys, 1, 2)) {
      rule.match.push_back({key, {RandomMatcher()}});
      if (Chance(20)) rule.match.back().all.push_back(RandomMatcher());
    }
  }
  return rule;
}

std::vector<Rule> RandomRules(int most) {
  std::vector<Rule> rules;
  const int count = *rc::gen::inRange(0, most + 1);
  for (int i = 0; i < count; ++i) rules.push_back(RandomRule());
  return rules;
}

Values RandomValues() {
  Values values;
  if (Chance(60)) values["k"] = OneOf(kValues);
  if (Chance(40)) values["l"] = OneOf(kValues);
  if (Chance(80)) values["method"] = OneOf(Texts{"GET", "get", "POST", "LOCK", ""});
  values["path"] = AnyPath();
  return values;
}

struct RandomThrottle {
  Rules rules;
  Values context;  // its own
};

absl::string_view ValueOf(const Values& values, absl::string_view key) {
  const auto found = values.find(key);
  return found == values.end() ? absl::string_view() : found->second;
}

// What the rules ask about, when the request's values win over the throttle's.
RuleVerdict JudgeOf(const RandomThrottle& throttle, const Values& request) {
  const auto lookup = [&](absl::string_view key) {
    const absl::string_view value = ValueOf(request, key);
    return value.empty() ? ValueOf(throttle.context, key) : value;
  };
  const RequestPath path(lookup("path"));
  return Judge(throttle.rules, {lookup("method"), path, lookup});
}

std::vector<uint32_t> CandidatesOf(const GatewayIndex& index, const Values& request) {
  const RequestPath path(ValueOf(request, "path"));
  std::vector<uint32_t> candidates;
  index.Candidates({ValueOf(request, "method"), path,
                    [&](absl::string_view key) { return ValueOf(request, key); }},
                   candidates);
  return candidates;
}

RC_GTEST_PROP(GatewayIndexPropertyTest, MissesNoThrottleThatApplies, ()) {
  std::vector<RandomThrottle> throttles(*rc::gen::inRange<size_t>(1, 8));
  std::vector<GatewayIndex::Entry> entries;
  for (RandomThrottle& throttle : throttles) {
    throttle.rules = {RandomRules(1), RandomRules(3)};
    if (Chance(20)) throttle.context = RandomValues();
    entries.push_back({&throttle.rules, !throttle.context.empty()});
  }
  const GatewayIndex index(entries);
  for (int i = 0; i < 50; ++i) {
    const Values request = RandomValues();
    std::vector<std::pair<uint32_t, const Rule*>> asking_all;
    for (uint32_t t = 0; t < throttles.size(); ++t) {
      const RuleVerdict verdict = JudgeOf(throttles[t], request);
      if (verdict.applies) asking_all.emplace_back(t, verdict.rule);
    }
    std::vector<std::pair<uint32_t, const Rule*>> asking_candidates;
    for (uint32_t t : CandidatesOf(index, request)) {
      RC_ASSERT(t < throttles.size());
      const RuleVerdict verdict = JudgeOf(throttles[t], request);
      if (verdict.applies) asking_candidates.emplace_back(t, verdict.rule);
    }
    RC_ASSERT(asking_candidates == asking_all);  // in order, and each once
  }
}

}  // namespace
}  // namespace sluice
