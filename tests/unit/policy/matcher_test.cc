#include "policy/matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Case {
  const char* name;
  Matcher matcher;
  std::vector<std::string> matches;
  std::vector<std::string> not_these;
};

std::vector<Case> Cases() {
  return {
      {"equals", Matcher::Equals("secret"), {"secret"}, {"Secret", "secre", "secret2", "xecret"}},
      {"in", Matcher::In({"a", "bc", "bd"}), {"a", "bc", "bd"}, {"b", "abc", "be"}},
      {"in nothing", Matcher::In({}), {}, {"a"}},
      {"prefix", Matcher::Prefix("key-"), {"key-", "key-1"}, {"key", "a-key-1"}},
      {"any prefix", Matcher::Prefix(""), {"a"}, {}},
      {"glob", *Matcher::Glob("*.example.???"), {"a.example.com"}, {"example.com", "a.example.io"}},
      {"any glob", *Matcher::Glob("*"), {"a"}, {}},
      {"regex", *Matcher::Regex("v[0-9]+"), {"v1", "v22"}, {"v", "v1x", "xv1", "v1\n"}},
      {"either regex", *Matcher::Regex("a|bc"), {"a", "bc"}, {"ab", "abc", "b"}},
      {"any regex", *Matcher::Regex(".*"), {"a"}, {}},
      {"cidr",
       *Matcher::Cidrs({"10.0.0.0/8", "fd00::/8"}),
       {"10.1.2.3", "fd00::1", "::ffff:10.1.2.3"},
       {"11.0.0.0", "fe00::1", "10.0.0.0/8", "10.1.2.3:80", "localhost"}},
      {"present", Matcher::Present(true), {"a", " "}, {}},
      {"absent", Matcher::Present(false), {}, {"a", " "}},
  };
}

TEST(MatcherTest, MatchesTheWholeValue) {
  for (const Case& c : Cases()) {
    for (const std::string& value : c.matches) EXPECT_TRUE(c.matcher.Matches(value)) << c.name;
    for (const std::string& value : c.not_these) {
      EXPECT_FALSE(c.matcher.Matches(value)) << c.name << " of " << value;
    }
  }
}

TEST(MatcherTest, NothingButAbsenceMatchesAnEmptyValue) {
  std::vector<Case> cases = Cases();
  cases.push_back({"equals nothing", Matcher::Equals(""), {}, {}});
  cases.push_back({"in with nothing", Matcher::In({"a", ""}), {}, {}});
  for (const Case& c : cases) {
    EXPECT_EQ(c.matcher.Matches(""), absl::string_view(c.name) == "absent") << c.name;
  }
}

TEST(MatcherTest, ListsTheValuesOfEqualsAndIn) {
  EXPECT_THAT(Matcher::Equals("a").values(), ElementsAre("a"));
  EXPECT_THAT(Matcher::In({"a", "b"}).values(), ElementsAre("a", "b"));
  EXPECT_THAT(Matcher::Prefix("a").values(), IsEmpty());
  EXPECT_THAT(Matcher::Present(true).values(), IsEmpty());
}

TEST(MatcherTest, ACopyIsTheSame) {
  Matcher copy = Matcher::Equals("a");
  {
    const Matcher other = Matcher::Equals("b");
    copy = other;
  }
  EXPECT_TRUE(copy.Matches("b"));
  EXPECT_FALSE(copy.Matches("a"));
}

TEST(MatcherTest, ComparesAnyBytes) {
  const std::string value("a\0b\xff", 4);
  EXPECT_TRUE(Matcher::Equals(value).Matches(value));
  EXPECT_FALSE(Matcher::Equals(value).Matches(absl::string_view(value).substr(0, 3)));
  EXPECT_TRUE(Matcher::Glob("a*")->Matches(value));
}

std::string ErrorOf(const absl::StatusOr<Matcher>& matcher) {
  return matcher.ok() ? "" : std::string(matcher.status().message());
}

TEST(MatcherTest, TellsWhatIsWrong) {
  EXPECT_EQ(ErrorOf(Matcher::Glob("")), "glob '': it is empty (for example *.example.com or v?)");
  EXPECT_THAT(ErrorOf(Matcher::Glob(std::string(1025, 'a'))), HasSubstr("longer than 1024 bytes"));
  EXPECT_EQ(
      ErrorOf(Matcher::Regex("v(1")),
      "regex 'v(1': missing ): v(1 (RE2 syntax, matches the whole value, for example v[0-9]+)");
  EXPECT_THAT(ErrorOf(Matcher::Regex("(a)\\1")), HasSubstr("invalid escape sequence"));
  EXPECT_THAT(ErrorOf(Matcher::Regex("")), HasSubstr("it is empty"));
  EXPECT_THAT(ErrorOf(Matcher::Cidrs({})), HasSubstr("no network in the list"));
  EXPECT_THAT(ErrorOf(Matcher::Cidrs({"10.0.0.0/8", "10.0.0.1/8"})),
              HasSubstr("10.0.0.0/8 is the network that it lies in"));
}

TEST(MatcherTest, ARegexIsBoundedInLengthAndMemory) {
  EXPECT_EQ(ErrorOf(Matcher::Regex(std::string(1024, 'a'))), "");
  const std::string too_long = ErrorOf(Matcher::Regex(std::string(1025, 'a')));
  EXPECT_THAT(too_long, HasSubstr("longer than 1024 bytes"));
  EXPECT_LT(too_long.size(), 200U);
  testing::internal::CaptureStderr();
  EXPECT_THAT(ErrorOf(Matcher::Regex("((\\pL{50}){50}){50}")),
              HasSubstr("invalid repetition size"));
  EXPECT_THAT(ErrorOf(Matcher::Regex("(\\pL{30}){30}")), HasSubstr("pattern too large"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(MatcherTest, ARegexTakesTimeAsItsTextIsLong) {
  const std::string text(100'000, 'a');
  EXPECT_FALSE(Matcher::Regex("(a*)*(a|aa)+b")->Matches(text));
}

}  // namespace
}  // namespace sluice
