#include "policy/gateway_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Values = std::map<std::string, std::string, std::less<>>;

Rule Of(absl::string_view path, std::vector<std::string> methods = {},
        std::vector<KeyMatcher> match = {}) {
  Rule rule;
  if (!path.empty()) rule.path = *PathPattern::Parse(path);
  rule.methods = std::move(methods);
  rule.match = std::move(match);
  return rule;
}

KeyMatcher Key(std::string key, Matcher matcher) { return {std::move(key), {std::move(matcher)}}; }

// Each throttle by its apply rules.
GatewayIndex IndexOf(const std::vector<std::vector<Rule>>& throttles, bool defaults = false) {
  std::vector<Rules> rules;
  for (const std::vector<Rule>& apply : throttles) rules.push_back({{}, apply});
  std::vector<GatewayIndex::Entry> entries;
  for (const Rules& each : rules) entries.push_back({&each, defaults});
  return GatewayIndex(entries);
}

std::vector<uint32_t> Find(const GatewayIndex& index, absl::string_view method,
                           absl::string_view target, const Values& values = {}) {
  const RequestPath path(target);
  std::vector<uint32_t> found = {99};  // of an earlier request
  index.Candidates({method, path,
                    [&](absl::string_view key) -> absl::string_view {
                      const auto value = values.find(key);
                      return value == values.end() ? absl::string_view() : value->second;
                    }},
                   found);
  return found;
}

TEST(GatewayIndexTest, WithoutThrottlesFindsNone) {
  EXPECT_THAT(Find(GatewayIndex(), "GET", "/a"), IsEmpty());
  EXPECT_THAT(Find(GatewayIndex(), "", ""), IsEmpty());
}

TEST(GatewayIndexTest, FindsPatternsByPath) {
  const GatewayIndex index = IndexOf({{Of("/api/**")},
                                      {Of("/api/v*/users")},
                                      {Of("/health")},
                                      {Of("/**/users")},
                                      {Of("/")},
                                      {Of("/api/*/users/**")},
                                      {Of("/x"), Of("/y/**")}});
  EXPECT_THAT(Find(index, "GET", "/api/v1/users"), ElementsAre(0, 1, 3, 4, 5));
  EXPECT_THAT(Find(index, "GET", "/api/v1/users/7"), ElementsAre(0, 4, 5));
  EXPECT_THAT(Find(index, "GET", "/api/"), ElementsAre(0, 4));
  EXPECT_THAT(Find(index, "GET", "/health/x"), ElementsAre(2, 4));
  EXPECT_THAT(Find(index, "GET", "/healthz"), ElementsAre(4));
  EXPECT_THAT(Find(index, "GET", "/users"), ElementsAre(3, 4));
  EXPECT_THAT(Find(index, "GET", "/x"), ElementsAre(4, 6));
  EXPECT_THAT(Find(index, "GET", "/y/z"), ElementsAre(4, 6));
}

TEST(GatewayIndexTest, FindsAThrottleOnce) {
  const GatewayIndex index =
      IndexOf({{Of("/a/**"), Of("/a"), Of("/**/a"), Of("/*"), Of("/**/a/**/a/**")}});
  EXPECT_THAT(Find(index, "GET", "/a"), ElementsAre(0));
  EXPECT_THAT(Find(index, "GET", "//a/a/a/a/a/"), ElementsAre(0));
}

TEST(GatewayIndexTest, OtherMethodsAreNoCandidates) {
  const GatewayIndex index = IndexOf({{Of("/a", {"GET", "head"})},
                                      {Of("/a", {"POST"})},
                                      {Of("/a")},
                                      {Of("", {"GET"})},
                                      {Of("/a", {"PURGE"})}});
  EXPECT_THAT(Find(index, "GET", "/a"), ElementsAre(0, 2, 3));
  EXPECT_THAT(Find(index, "HEAD", "/a"), ElementsAre(0, 2));
  EXPECT_THAT(Find(index, "post", "/a"), ElementsAre(1, 2));
  EXPECT_THAT(Find(index, "PURGE", "/a"), ElementsAre(2, 4));
  EXPECT_THAT(Find(index, "GET", "/b"), ElementsAre(3));
}

TEST(GatewayIndexTest, OtherValuesAreNoCandidates) {
  const GatewayIndex index = IndexOf({{Of("", {}, {Key("tier", Matcher::Equals("gold"))})},
                                      {Of("", {}, {Key("tier", Matcher::In({"gold", "free"}))})},
                                      {Of("", {"GET"}, {Key("tier", Matcher::Equals("free"))})},
                                      {Of("/a", {}, {Key("tier", Matcher::Equals("gold"))})},
                                      {Of("/a", {}, {Key("tier", Matcher::Prefix("g"))})}});
  EXPECT_THAT(Find(index, "GET", "/a", {{"tier", "gold"}}), ElementsAre(0, 1, 3, 4));
  EXPECT_THAT(Find(index, "GET", "/b", {{"tier", "free"}}), ElementsAre(1, 2));
  EXPECT_THAT(Find(index, "POST", "/b", {{"tier", "free"}}), ElementsAre(1));
  EXPECT_THAT(Find(index, "POST", "/b", {{"tier", "none"}}), IsEmpty());
}

TEST(GatewayIndexTest, WhoLacksAKeyGetsAllThatAreSkippedThen) {
  const GatewayIndex index = IndexOf(
      {{Of("", {}, {Key("tier", Matcher::Equals("gold"))})},
       {Of("", {}, {Key("tier", Matcher::Equals("free")), Key("user", Matcher::Equals("a"))})},
       {Of("", {}, {Key("user", Matcher::Equals("a"))})},
       {Of("/a", {}, {Key("tier", Matcher::Equals("gold"))})}});
  EXPECT_THAT(Find(index, "GET", "/a"), ElementsAre(0, 1, 2));
  EXPECT_THAT(Find(index, "GET", "/a", {{"user", "b"}}), ElementsAre(0, 1));
  EXPECT_THAT(Find(index, "GET", "/a", {{"tier", "none"}}), ElementsAre(2));
}

TEST(GatewayIndexTest, WhoLacksAPathOrAMethodGetsAllThatAskForOne) {
  const GatewayIndex index = IndexOf({{Of("/a")},
                                      {Of("/b", {"POST"})},
                                      {Of("", {"GET"})},
                                      {Of("", {}, {Key("tier", Matcher::Equals("gold"))})}});
  EXPECT_THAT(Find(index, "GET", "", {{"tier", "none"}}), ElementsAre(0, 1, 2));
  EXPECT_THAT(Find(index, "PUT", "?q", {{"tier", "none"}}), ElementsAre(0, 1));
  EXPECT_THAT(Find(index, "", "/a", {{"tier", "none"}}), ElementsAre(0, 1, 2));
  EXPECT_THAT(Find(index, "", "", {{"tier", "gold"}}), ElementsAre(0, 1, 2, 3));
}

TEST(GatewayIndexTest, LooksUpBothFormsOfAPath) {
  const GatewayIndex index = IndexOf({{Of("/api/**")}, {Of("/x/*/y")}, {Of("/b")}});
  EXPECT_THAT(Find(index, "GET", "//api/x"), ElementsAre(0));
  EXPECT_THAT(Find(index, "GET", "/%61pi"), ElementsAre(0));
  EXPECT_THAT(Find(index, "GET", "/x/../y"), ElementsAre(1));
  EXPECT_THAT(Find(index, "GET", "b"), ElementsAre(2));
}

TEST(GatewayIndexTest, WhatCannotBeFoundIsAlwaysACandidate) {
  Rule regex;
  regex.path = *PathPattern::Regex("/r[0-9]");
  const GatewayIndex index =
      IndexOf({{},
               {Of("/a"), regex},
               {Of("/a"), Of("", {}, {Key("user", Matcher::Present(false))})},
               {Of("", {}, {Key("path", Matcher::Equals("/a"))})},
               {Of("", {}, {Key("tier", Matcher::In({}))})},
               {Rule()},
               {Of("/a")}});
  EXPECT_THAT(Find(index, "GET", "/z", {{"user", "a"}, {"path", "/z"}}),
              ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(GatewayIndexTest, ValuesDoNotTellOfAThrottleThatBringsItsOwn) {
  const GatewayIndex index = IndexOf({{Of("", {}, {Key("tier", Matcher::Equals("gold"))})},
                                      {Of("/a", {}, {Key("tier", Matcher::Equals("gold"))})},
                                      {Of("/b", {}, {Key("tier", Matcher::Equals("gold"))})}},
                                     /*defaults=*/true);
  EXPECT_THAT(Find(index, "GET", "/a", {}), ElementsAre(0, 1));
  EXPECT_THAT(Find(index, "GET", "/a", {{"tier", "free"}}), ElementsAre(0, 1));
}

TEST(GatewayIndexTest, WhatIsNotForGatewaysIsNoCandidate) {
  const Rules everything;
  const std::vector<GatewayIndex::Entry> entries = {
      {nullptr, false}, {&everything, false}, {nullptr, true}};
  const GatewayIndex index(entries);
  EXPECT_THAT(Find(index, "GET", "/a"), ElementsAre(1));
  EXPECT_THAT(Find(index, "", ""), ElementsAre(1));
}

TEST(GatewayIndexTest, ManyAnysAreWalkedOnce) {
  std::vector<std::vector<Rule>> throttles;
  std::string pattern;
  for (int i = 0; i < 30; ++i) {
    absl::StrAppend(&pattern, "/**/a");
    throttles.push_back({Of(pattern + "/b")});
  }
  throttles.push_back({Of(pattern)});
  const GatewayIndex index = IndexOf(throttles);
  std::string path;
  for (int i = 0; i < 4000; ++i) path += "/a";
  EXPECT_THAT(Find(index, "GET", path), ElementsAre(30));  // exponential work would not end
}

}  // namespace
}  // namespace sluice
