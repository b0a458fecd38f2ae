#include "policy/path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> SegmentsOf(absl::string_view path) {
  std::vector<std::string> found;
  for (PathSegments segments(path); !segments.done(); segments.Next()) {
    found.emplace_back(segments.head());
  }
  return found;
}

TEST(PathSegmentsTest, StandBetweenSlashes) {
  EXPECT_THAT(SegmentsOf("/a/bc"), ElementsAre("a", "bc"));
  EXPECT_THAT(SegmentsOf("/a/bc/"), ElementsAre("a", "bc"));
  EXPECT_THAT(SegmentsOf("//a//"), ElementsAre("", "a", ""));
  EXPECT_THAT(SegmentsOf("/"), IsEmpty());
  EXPECT_THAT(SegmentsOf("//"), ElementsAre(""));
  EXPECT_THAT(SegmentsOf(""), IsEmpty());
  EXPECT_THAT(SegmentsOf("a/b"), IsEmpty());
}

struct PathCase {
  const char* target;
  const char* canonical;
  bool odd;
};

TEST(RequestPathTest, UsualPathsAreTheirOwnForm) {
  for (const char* target : {"/", "/a", "/a/", "/a/b.c/.d/..e/...", "/a%20b", "/\xE2\x82\xAC",
                             "/a:b@c,d=e+f", "/~u/a-b_c"}) {
    const RequestPath path(target);
    EXPECT_EQ(path.canonical(), target);
    EXPECT_EQ(path.canonical().data(), path.raw().data()) << "it was copied: " << target;
    EXPECT_FALSE(path.odd()) << target;
    EXPECT_FALSE(path.empty()) << target;
  }
}

TEST(RequestPathTest, ResolvesWhatAServerWouldResolve) {
  const std::vector<PathCase> cases = {
      {"/%61pi/x", "/api/x", false},
      {"/%7Eu/%e2%82%ac", "/~u/\xE2\x82\xAC", false},
      {"/users/%40me%3Aget", "/users/@me:get", false},
      {"/a%2A%20b%5d", "/a%2A%20b%5D", false},
      {"/a;x=1/b;y", "/a/b", true},
      {"/a%3Bx=1", "/a%3Bx=1", true},
      {"/;x/a", "/a", true},
      {"//api/x", "/api/x", true},
      {"/api//x", "/api/x", true},
      {"/api/x//", "/api/x/", true},
      {"//", "/", true},
      {"/api/./x", "/api/x", true},
      {"/api/.", "/api", true},
      {"/health/../api/x", "/api/x", true},
      {"/a/b/..", "/a", true},
      {"/a/b/../", "/a/", true},
      {"/..", "/", true},
      {"/../../api", "/api", true},
      {"/health/..;/api", "/api", true},
      {"/health/..;x=1/api", "/api", true},
      {"/a/.;/b", "/a/b", true},
      {"/health%2Fx", "/health/x", true},
      {"/health%2f..%2fapi", "/api", true},
      {"/health/%2e%2E/api", "/api", true},
      {"/a%2ehtml", "/a.html", true},
      {"/a\\b", "/a/b", true},
      {"/static\\..\\api", "/api", true},
      {"/static%5C..%5capi", "/api", true},
      {"api/x", "/api/x", true},
      {"*", "/*", true},
      {"http://host/api/x", "/api/x", true},
      {"http://host", "/", true},
      {"http://host?a=/b", "/", true},
      {"/100%", "/100%25", false},
      {"/%%32e/%zz", "/%252e/%25zz", false},
      {"/%252e%252e/a", "/%252e%252e/a", false},  // decoded once
  };
  for (const PathCase& c : cases) {
    const RequestPath path(c.target);
    EXPECT_EQ(path.canonical(), c.canonical) << c.target;
    EXPECT_EQ(path.odd(), c.odd) << c.target;
  }
}

TEST(RequestPathTest, CutsTheQuery) {
  EXPECT_EQ(RequestPath("/a?b=/../c").raw(), "/a");
  EXPECT_EQ(RequestPath("/a#b").raw(), "/a");
  EXPECT_EQ(RequestPath("/a#b?c").canonical(), "/a");
  EXPECT_FALSE(RequestPath("/a?b=//%2e").odd());
  EXPECT_TRUE(RequestPath("?a=b").empty());
  EXPECT_EQ(RequestPath("/a%3Fb").canonical(), "/a%3Fb");  // no query
}

TEST(RequestPathTest, NothingIsNoPath) {
  const RequestPath path("");
  EXPECT_TRUE(path.empty());
  EXPECT_FALSE(path.odd());
  EXPECT_EQ(path.canonical(), "");
}

TEST(RequestPathTest, ACopyKeepsItsForms) {
  const std::string target = "/%61/b";
  std::vector<RequestPath> paths = {RequestPath(target)};
  paths.push_back(paths[0]);
  paths.erase(paths.begin());
  EXPECT_EQ(paths[0].canonical(), "/a/b");
  EXPECT_EQ(paths[0].raw(), target);
}

struct PatternCase {
  const char* pattern;
  std::vector<const char*> matches;
  std::vector<const char*> not_these;
};

TEST(PathPatternTest, MatchesBySegments) {
  const std::vector<PatternCase> cases = {
      {"/health",
       {"/health", "/health/", "/health/x", "/health/x/y"},
       {"/healthz", "/", "/x/health"}},
      {"/health/", {"/health", "/health/", "/health/x"}, {"/healthz"}},
      {"/a/b", {"/a/b", "/a/b/c"}, {"/a", "/a/bc", "/a//b"}},
      {"/", {"/", "/a", "/a/b"}, {}},
      {"/**", {"/", "/a", "/a/b"}, {}},
      {"/api/**", {"/api", "/api/", "/api/x", "/api/x/y/"}, {"/apix", "/", "/x/api"}},
      {"/api/v*/users", {"/api/v1/users", "/api/v/users/"}, {"/api/v1/users/7", "/api/v1/x/users"}},
      {"/*", {"/a", "/abc/"}, {"/", "/a/b"}},
      {"/*/", {"/a", "/a/"}, {"/", "/a/b"}},
      {"/a*b*c", {"/abc", "/axbxc"}, {"/abx", "/ab/c"}},
      {"/**/x", {"/x", "/a/x", "/a/x/x/"}, {"/", "/a", "/x/a", "/ax"}},
      {"/**/a/b/**", {"/a/b", "/a/a/b", "/x/a/b/y"}, {"/a", "/a/x/b", "/b/a"}},
      {"/**/a/a/b", {"/a/a/b", "/a/a/a/b", "/a/b/a/a/a/b"}, {"/a/b", "/a/a/a"}},
      {"/a/**/b", {"/a/b", "/a/x/y/b"}, {"/a", "/a/b/c", "/ab"}},
      {"/a/**/**/b/", {"/a/b", "/a/x/b"}, {"/a/x"}},
      {"/**/*", {"/a", "/a/b"}, {"/"}},
      {"/*/**", {"/a", "/a/b"}, {"/"}},
      {"/%61/%7eb%c3%a9", {"/a/~b\xC3\xA9"}, {"/a/~b%c3%a9"}},  // a pattern is of canonical form
      {"/v1/users%3Aget", {"/v1/users:get"}, {"/v1/users%3Aget"}},
      {"/a%2fb", {"/a%2Fb"}, {"/a/b"}},
  };
  for (const PatternCase& c : cases) {
    const absl::StatusOr<PathPattern> pattern = PathPattern::Parse(c.pattern);
    ASSERT_TRUE(pattern.ok()) << pattern.status();
    EXPECT_EQ(pattern->text(), c.pattern);
    for (const char* path : c.matches) EXPECT_TRUE(pattern->Matches(path)) << c.pattern << path;
    for (const char* path : c.not_these) EXPECT_FALSE(pattern->Matches(path)) << c.pattern << path;
    EXPECT_FALSE(pattern->Matches("")) << c.pattern;
    EXPECT_FALSE(pattern->Matches("a")) << c.pattern;
  }
}

TEST(PathPatternTest, TellsWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"",
       "path '': it does not begin with a slash (for example /api/**, /api/v*/users or /health)"},
      {"api", "does not begin with a slash"},
      {"**", "does not begin with a slash"},
      {"/a**", "** does not stand alone"},
      {"/a/***/b", "** does not stand alone"},
      {"/a//b", "it has //"},
      {"//", "it has //"},
      {"/a/../b", "dot segments"},
      {"/a/%2e", "dot segments"},
      {"/v?/a", "a query is no part of a path"},
      {"/a#b", "a query is no part of a path"},
      {"/" + std::string(1024, 'a'), "longer than 1024 bytes"},
  };
  for (const auto& [text, error] : cases) {
    const absl::StatusOr<PathPattern> pattern = PathPattern::Parse(text);
    ASSERT_FALSE(pattern.ok()) << text;
    EXPECT_THAT(std::string(pattern.status().message()), HasSubstr(error));
  }
}

TEST(PathPatternTest, HasAtMost64Segments) {
  std::string text;
  for (int i = 0; i < 64; ++i) text += "/a";
  EXPECT_TRUE(PathPattern::Parse(text).ok());
  EXPECT_TRUE(PathPattern::Parse(text + "/").ok());
  const absl::StatusOr<PathPattern> more = PathPattern::Parse(text + "/a");
  ASSERT_FALSE(more.ok());
  EXPECT_THAT(std::string(more.status().message()), HasSubstr("more than 64 segments"));
}

TEST(PathPatternTest, ARegexMatchesTheWholePath) {
  const absl::StatusOr<PathPattern> pattern = PathPattern::Regex("/api/v[0-9]+/.*");
  ASSERT_TRUE(pattern.ok());
  EXPECT_TRUE(pattern->is_regex());
  EXPECT_THAT(pattern->segments(), IsEmpty());
  EXPECT_TRUE(pattern->Matches("/api/v1/x/y"));
  EXPECT_FALSE(pattern->Matches("/api/v1"));
  EXPECT_FALSE(pattern->Matches("/x/api/v1/x"));
  EXPECT_FALSE(PathPattern::Regex("/(").ok());
}

TEST(PathPatternTest, ManyAnysAreNotTriedInEveryWay) {
  std::string text;
  for (int i = 0; i < 31; ++i) text += "/**/a*a";
  const absl::StatusOr<PathPattern> pattern = PathPattern::Parse(text + "/b");
  ASSERT_TRUE(pattern.ok()) << pattern.status();
  std::string path;
  for (int i = 0; i < 4000; ++i) path += "/aaa";
  EXPECT_FALSE(pattern->Matches(path));  // exponential work would not end
  EXPECT_TRUE(pattern->Matches(path + "/b"));
}

}  // namespace
}  // namespace sluice
