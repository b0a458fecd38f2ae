#include "policy/glob.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice {
namespace {

struct Case {
  absl::string_view pattern;
  absl::string_view text;
  bool matches;
};

TEST(GlobTest, AStarIsAnyCharactersAndAMarkIsOne) {
  const std::vector<Case> cases = {
      {"*", "", true},         {"*", "anything", true},
      {"a*", "a", true},       {"a*c", "abcbc", true},
      {"a*c", "abcb", false},  {"*an*an*", "banana", true},
      {"?", "", false},        {"?", "a", true},
      {"?", "ab", false},      {"a?c", "abc", true},
      {"a?c", "ac", false},    {"v?*", "v", false},
      {"v?*", "v1", true},     {"*?b?*", "aabbb", true},
      {"*?b?*", "bab", false}, {"*.b.?", "a.b.b.c", true},
      {"", "", true},          {"", "a", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(MatchesGlob(c.pattern, c.text), c.matches) << c.pattern << " on " << c.text;
  }
}

TEST(GlobTest, ACharacterMayHaveSeveralBytes) {
  EXPECT_TRUE(MatchesGlob("?", "\u20ac"));
  EXPECT_FALSE(MatchesGlob("*??", "\u20ac"));
  EXPECT_TRUE(MatchesGlob("*??", "a\u20ac"));
  EXPECT_TRUE(MatchesGlob("*\u00e9?", "\u00e9\u00e9\u20ac"));
  EXPECT_TRUE(MatchesGlob("??", "\xff\xfe"));  // no UTF-8
}

TEST(GlobTest, OfStarsAloneAMarkIsItself) {
  EXPECT_TRUE(MatchesStars("a?*", "a?b"));
  EXPECT_FALSE(MatchesStars("a?*", "abc"));
}

TEST(GlobTest, ManyStarsAreNotTriedInEveryWay) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*?";
  const std::string text(20'000, 'a');  // exponential or even cubic work would not end
  EXPECT_FALSE(MatchesGlob(pattern + "b", text));
}

}  // namespace
}  // namespace sluice
