#include "policy/rule.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using Values = std::map<std::string, std::string, std::less<>>;

struct Request {
  std::string method;
  std::string path;
  Values values;
};

Rule OfPath(absl::string_view pattern) {
  Rule rule;
  rule.path = *PathPattern::Parse(pattern);
  return rule;
}

Rule OfRegex(absl::string_view pattern) {
  Rule rule;
  rule.path = *PathPattern::Regex(pattern);
  return rule;
}

Rule OfMethods(std::vector<std::string> methods) {
  Rule rule;
  rule.methods = std::move(methods);
  return rule;
}

Rule OfKey(std::string key, Matcher matcher) {
  Rule rule;
  rule.match = {{std::move(key), {std::move(matcher)}}};
  return rule;
}

// Their keys together.
Rule operator&&(Rule a, const Rule& b) {
  if (b.path.has_value()) a.path = b.path;
  a.methods.insert(a.methods.end(), b.methods.begin(), b.methods.end());
  a.match.insert(a.match.end(), b.match.begin(), b.match.end());
  return a;
}

RuleVerdict JudgeOf(const Rules& rules, const Request& request) {
  const RequestPath path(request.path);
  return Judge(rules, {request.method, path, [&](absl::string_view key) -> absl::string_view {
                         const auto found = request.values.find(key);
                         return found == request.values.end() ? absl::string_view() : found->second;
                       }});
}

bool Applies(const Rules& rules, const Request& request) { return JudgeOf(rules, request).applies; }

const Matcher& Absent() {
  static const auto& absent = *new Matcher(Matcher::Present(false));
  return absent;
}

TEST(RuleTest, WithoutRulesAThrottleApplies) {
  EXPECT_TRUE(Applies({}, {}));
  EXPECT_TRUE(Applies({}, {"GET", "/a", {{"tier", "gold"}}}));
}

TEST(RuleTest, AnyBypassThatMatchesIsEnough) {
  const Rules rules = {.bypass = {OfPath("/health"), OfMethods({"OPTIONS", "HEAD"})}};
  EXPECT_FALSE(Applies(rules, {"GET", "/health/x", {}}));
  EXPECT_FALSE(Applies(rules, {"head", "/api", {}}));
  EXPECT_TRUE(Applies(rules, {"GET", "/api", {}}));
}

TEST(RuleTest, OneApplyMustMatch) {
  const Rules rules = {.apply = {OfPath("/api/**"), OfPath("/v*/users")}};
  EXPECT_TRUE(Applies(rules, {"GET", "/api", {}}));
  EXPECT_TRUE(Applies(rules, {"GET", "/v1/users?x=1", {}}));
  EXPECT_FALSE(Applies(rules, {"GET", "/v1/groups", {}}));
}

TEST(RuleTest, BypassGoesBeforeApply) {
  const Rules rules = {.bypass = {OfPath("/api/health")}, .apply = {OfPath("/api")}};
  EXPECT_FALSE(Applies(rules, {"GET", "/api/health", {}}));
  EXPECT_TRUE(Applies(rules, {"GET", "/api/x", {}}));
}

TEST(RuleTest, TellsWhichRuleMatched) {
  const Rules rules = {.bypass = {OfPath("/a"), OfPath("/b")},
                       .apply = {OfPath("/c"), OfPath("/d")}};
  EXPECT_EQ(JudgeOf(rules, {"", "/b", {}}).rule, &rules.bypass[1]);
  EXPECT_EQ(JudgeOf(rules, {"", "/d", {}}).rule, &rules.apply[1]);
  EXPECT_EQ(JudgeOf(rules, {"", "/e", {}}).rule, nullptr);
  EXPECT_EQ(JudgeOf(rules, {}).rule, nullptr);
}

TEST(RuleTest, ARuleIsAllOfItsKeysAndAKeyAllOfItsMatchers) {
  Rule rule = OfPath("/api") && OfMethods({"POST"}) && OfKey("tier", Matcher::Prefix("g"));
  rule.match[0].all.push_back(*Matcher::Glob("*d"));
  const Rules rules = {.bypass = {rule}};
  EXPECT_FALSE(Applies(rules, {"POST", "/api", {{"tier", "gold"}}}));
  EXPECT_TRUE(Applies(rules, {"POST", "/api", {{"tier", "green"}}}));
  EXPECT_TRUE(Applies(rules, {"POST", "/api", {{"tier", "bold"}}}));
  EXPECT_TRUE(Applies(rules, {"POST", "/api", {}}));
  EXPECT_TRUE(Applies(rules, {"GET", "/api", {{"tier", "gold"}}}));
  EXPECT_TRUE(Applies(rules, {"", "/api", {{"tier", "gold"}}}));
  EXPECT_TRUE(Applies(rules, {"POST", "/", {{"tier", "gold"}}}));
  EXPECT_TRUE(Applies(rules, {"POST", "", {{"tier", "gold"}}}));
}

TEST(RuleTest, ASkippedApplyDoesNotWithhold) {
  const Rules rules = {
      .apply = {OfPath("/api/**") && OfMethods({"GET"}), OfKey("tier", Matcher::Equals("gold"))}};
  EXPECT_TRUE(Applies(rules, {}));
  EXPECT_TRUE(Applies(rules, {"", "", {{"user", "alice"}, {"tier", ""}}}));
  EXPECT_TRUE(Applies(rules, {"", "?query=alone", {}}));
}

TEST(RuleTest, AnApplyThatIsNotSkippedWithholdsForThoseThatAre) {
  const Rules rules = {.apply = {OfPath("/api/**"), OfKey("tier", Matcher::Equals("gold"))}};
  EXPECT_FALSE(Applies(rules, {"", "/x", {}}));
  EXPECT_FALSE(Applies(rules, {"", "", {{"tier", "free"}}}));
  EXPECT_TRUE(Applies(rules, {"", "/x", {{"tier", "gold"}}}));
  EXPECT_TRUE(Applies(rules, {"", "/api", {{"tier", "free"}}}));
}

TEST(RuleTest, AMatcherForASecretThatIsEmptyBypassesNobody) {
  const Rules rules = {.bypass = {OfKey("header.x-admin", Matcher::Equals("")),
                                  OfKey("header.x-admin", *Matcher::Glob("*")),
                                  OfKey("header.x-admin", *Matcher::Regex(".*"))}};
  EXPECT_TRUE(Applies(rules, {"GET", "/a", {}}));
  EXPECT_TRUE(Applies(rules, {"GET", "/a", {{"header.x-admin", ""}}}));
}

TEST(RuleTest, AnOddPathMatchesNoBypassThatHasAPath) {
  const Rules rules = {.bypass = {OfPath("/health"), OfPath("/static/**"), OfRegex("/health.*"),
                                  OfPath("/") && OfKey("user", Matcher::Present(true)),
                                  OfKey("path", Matcher::Prefix("/health"))}};
  EXPECT_FALSE(Applies(rules, {"GET", "/health/x", {}}));
  for (const char* odd :
       {"/health/../admin", "/health/..;/admin", "/health/%2e%2e/admin", "/health%2F..%2fadmin",
        "/static\\..\\admin", "//health", "/health/.", "health", "http://host/health"}) {
    EXPECT_TRUE(Applies(rules, {"GET", odd, {{"user", "alice"}, {"path", odd}}})) << odd;
  }
}

TEST(RuleTest, AnOddPathMayMatchABypassThatHasNone) {
  const Rules rules = {.bypass = {OfKey("tier", Matcher::Equals("gold"))}};
  EXPECT_FALSE(Applies(rules, {"GET", "//a", {{"tier", "gold"}}}));
}

TEST(RuleTest, ABypassReadsAnEncodedPathAsAServerDoes) {
  const Rules rules = {.bypass = {OfPath("/health")}};
  EXPECT_FALSE(Applies(rules, {"GET", "/%68ealth", {}}));
  const Rules regex = {.bypass = {OfRegex("/[^a]*")}};
  EXPECT_TRUE(Applies(regex, {"GET", "/%61dmin", {}}));
}

TEST(RuleTest, NobodySlipsPastALimitByWritingThePathOtherwise) {
  const Rules rules = {.apply = {OfPath("/api/**")}};
  const Rules regex = {.apply = {OfRegex("/api/.*")}};
  const Rules key = {.apply = {OfKey("path", Matcher::Prefix("/api/"))}};
  for (const char* path : {"//api/x", "/%61pi/x", "/x/../api/x", "/.//api/x", "/api%2Fx", "/api\\x",
                           "api/x", "http://host/api/x", "/x/..;/api/x", "/api/x?y"}) {
    EXPECT_TRUE(Applies(rules, {"GET", path, {}})) << path;
    EXPECT_TRUE(Applies(regex, {"GET", path, {}})) << path;
    EXPECT_TRUE(Applies(key, {"GET", path, {{"path", path}}})) << path;
  }
  for (const char* path : {"/x", "//x"}) {
    EXPECT_FALSE(Applies(rules, {"GET", path, {}})) << path;
    EXPECT_FALSE(Applies(regex, {"GET", path, {}})) << path;
    EXPECT_FALSE(Applies(key, {"GET", path, {{"path", path}}})) << path;
  }
}

TEST(RuleTest, AnApplyMatchesAnOddPathAlsoAsItWasSent) {
  const Rules rules = {.apply = {OfPath("/files/*/secret")}};
  EXPECT_TRUE(Applies(rules, {"GET", "/files/a%2F..%2Fb/secret", {}}));  // one segment as sent
  EXPECT_TRUE(Applies(rules, {"GET", "/files/../secret", {}}));
}

TEST(RuleTest, ARegexDoesNotMatchAnAbsentPath) {
  EXPECT_TRUE(Applies({.bypass = {OfRegex(".*")}}, {"GET", "", {}}));
  const Rules apply = {.apply = {OfRegex(".*") && OfMethods({"GET"})}};
  EXPECT_FALSE(Applies(apply, {"GET", "", {}}));
}

TEST(RuleTest, WhoSaysNothingIsNotBypassedForWhatHeDidNotSay) {
  const Rules rules = {.bypass = {OfKey("user", Absent())}};
  EXPECT_TRUE(Applies(rules, {}));
  EXPECT_TRUE(Applies(rules, {"", "", {{"unrelated", "x"}}}));
  EXPECT_TRUE(Applies(rules, {"GET", "/a", {{"user", "alice"}}}));
}

TEST(RuleTest, ABypassForAbsenceMatchesADescribedRequest) {
  const Rules rules = {.bypass = {OfKey("user", Absent()), OfKey("tier", Matcher::Equals("gold"))},
                       .apply = {OfKey("region", Matcher::Present(true))}};
  EXPECT_FALSE(Applies(rules, {"", "/a", {}}));
  EXPECT_FALSE(Applies(rules, {"GET", "", {}}));
  EXPECT_FALSE(Applies(rules, {"", "", {{"tier", "free"}}}));
  EXPECT_FALSE(Applies(rules, {"", "", {{"region", "eu"}}}));
}

TEST(RuleTest, ABypassMayMixAbsenceWithOtherKeys) {
  const Rules rules = {.bypass = {OfPath("/health") && OfKey("user", Absent())}};
  EXPECT_FALSE(Applies(rules, {"", "/health", {}}));
  EXPECT_TRUE(Applies(rules, {"", "/health", {{"user", "alice"}}}));
  EXPECT_TRUE(Applies(rules, {"GET", "", {}}));
}

TEST(RuleTest, AnApplyForAbsenceLimitsWhoeverLacksTheKey) {
  const Rules rules = {.apply = {OfPath("/api"), OfKey("user", Absent())}};
  EXPECT_TRUE(Applies(rules, {}));
  EXPECT_TRUE(Applies(rules, {"GET", "/x", {}}));
  EXPECT_FALSE(Applies(rules, {"GET", "/x", {{"user", "alice"}}}));
  EXPECT_FALSE(Applies(rules, {"", "", {{"user", "alice"}}}));
  EXPECT_EQ(JudgeOf(rules, {"GET", "/x", {}}).rule, &rules.apply[1]);
}

TEST(RuleTest, AnApplyMayMixAbsenceWithOtherKeys) {
  const Rules rules = {.apply = {OfPath("/api") && OfKey("user", Absent())}};
  EXPECT_TRUE(Applies(rules, {}));
  EXPECT_TRUE(Applies(rules, {"", "/api", {}}));
  EXPECT_FALSE(Applies(rules, {"", "/x", {}}));
  EXPECT_FALSE(Applies(rules, {"", "", {{"user", "alice"}}}));
}

TEST(RuleTest, ARuleWithoutKeysNeverBypasses) {
  EXPECT_TRUE(Applies({.bypass = {Rule()}}, {"GET", "/a", {{"user", "alice"}}}));
  EXPECT_TRUE(Applies({.apply = {Rule()}}, {"GET", "/a", {}}));
}

TEST(RuleTest, AnEmptyMethodIsNoMethod) {
  EXPECT_TRUE(Applies({.bypass = {OfMethods({""})}}, {"", "/a", {}}));
}

}  // namespace
}  // namespace sluice
