#include "policy/rule.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace sluice {
namespace {

// `path` is the form of the request's path that is looked at.
bool Holds(const Rule& rule, const RequestAttributes& request, absl::string_view path) {
  if (rule.path.has_value() && (path.empty() || !rule.path->Matches(path))) return false;
  const auto is_method = [&](const std::string& method) {
    return !request.method.empty() && absl::EqualsIgnoreCase(method, request.method);
  };
  if (!rule.methods.empty() && std::none_of(rule.methods.begin(), rule.methods.end(), is_method)) {
    return false;
  }
  return std::all_of(rule.match.begin(), rule.match.end(), [&](const KeyMatcher& tested) {
    const absl::string_view value = tested.key == kPathKey ? path : request.lookup(tested.key);
    return std::all_of(tested.all.begin(), tested.all.end(),
                       [&](const Matcher& matcher) { return matcher.Matches(value); });
  });
}

bool CarriesKey(const RequestAttributes& request, absl::string_view key) {
  return key == kPathKey ? !request.path.empty() : !request.lookup(key).empty();
}

// False: the rule is skipped.
bool CarriesAny(const Rule& rule, const RequestAttributes& request) {
  return (rule.path.has_value() && !request.path.empty()) ||
         (!rule.methods.empty() && !request.method.empty()) ||
         std::any_of(rule.match.begin(), rule.match.end(),
                     [&](const KeyMatcher& tested) { return CarriesKey(request, tested.key); });
}

bool IsDescribed(const Rules& rules, const RequestAttributes& request) {
  const auto carries = [&](const Rule& rule) { return CarriesAny(rule, request); };
  return !request.path.empty() || !request.method.empty() ||
         std::any_of(rules.bypass.begin(), rules.bypass.end(), carries) ||
         std::any_of(rules.apply.begin(), rules.apply.end(), carries);
}

bool SpeaksOfPath(const Rule& rule) {
  return rule.path.has_value() ||
         std::any_of(rule.match.begin(), rule.match.end(),
                     [](const KeyMatcher& tested) { return tested.key == kPathKey; });
}

bool Bypasses(const Rules& rules, const Rule& rule, const RequestAttributes& request) {
  if (request.path.odd() && SpeaksOfPath(rule)) return false;
  if (!Holds(rule, request, request.path.canonical())) return false;
  // What holds and carries no key of the rule asks for nothing but absences, or for nothing.
  return CarriesAny(rule, request) || (!rule.match.empty() && IsDescribed(rules, request));
}

bool Applies(const Rule& rule, const RequestAttributes& request) {
  const RequestPath& path = request.path;
  return Holds(rule, request, path.raw()) ||
         (path.canonical() != path.raw() && Holds(rule, request, path.canonical()));
}

}  // namespace

RuleVerdict Judge(const Rules& rules, const RequestAttributes& request) {
  for (const Rule& rule : rules.bypass) {
    if (Bypasses(rules, rule, request)) return {false, &rule};
  }
  bool withheld = false;
  for (const Rule& rule : rules.apply) {
    if (Applies(rule, request)) return {true, &rule};
    withheld = withheld || CarriesAny(rule, request);
  }
  return {!withheld, nullptr};
}

}  // namespace sluice
