// Which keys a reset finds, whatever they are called.
#include "backend/redis/forget.h"

#include <fnmatch.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "core/key.h"
#include "tests/conformance/counters.h"

namespace sluice {
namespace {

const std::vector<std::string>& OddNames() {
  static const auto& names = *new std::vector<std::string>{"",
                                                           "plain",
                                                           "*",
                                                           "?",
                                                           "[a-z]",
                                                           "[^a]",
                                                           "\\",
                                                           "a\\*",
                                                           "%",
                                                           "%2A",
                                                           "{",
                                                           "}",
                                                           "{tag}",
                                                           ":",
                                                           "a:b",
                                                           "a:b:c",
                                                           "~",
                                                           "~a",
                                                           "a=b",
                                                           "-",
                                                           "\xc3\xa9",
                                                           "\x01",
                                                           "a b",
                                                           "'\"",
                                                           "]",
                                                           "^",
                                                           "per*",
                                                           "p%r",
                                                           "{a:b}",
                                                           "**",
                                                           std::string(300, '*')};
  return names;
}

std::string KeyIn(const std::string& name_space, const std::string& tenant, const std::string& tag,
                  const std::string& throttle, HashTag hash_tag) {
  const std::pair<absl::string_view, absl::string_view> splits[] = {{"k*", "v:{}"}};
  return CounterKey(KeyParts{name_space, tenant, tag, throttle, splits, "gcra.1.1000000.1"},
                    SecretOfKeys())
      .ToString(hash_tag);
}

// As SCAN does it.
bool Matches(const std::string& pattern, const std::string& key) {
  return fnmatch(pattern.c_str(), key.c_str(), 0) == 0;
}

class ForgetTest : public testing::TestWithParam<HashTag> {};

INSTANTIATE_TEST_SUITE_P(Both, ForgetTest, testing::Values(HashTag::kIdentifier, HashTag::kTenant));

// The pattern lets every key of a scope through, and what IsOf then keeps are those and no others.
TEST_P(ForgetTest, FindsTheKeysOfAScopeAndNoOthers) {
  for (const std::string& wanted : OddNames()) {
    const KeyScope of_throttle = ScopeOf(wanted);
    const KeyScope of_tenant = ScopeOf(absl::nullopt, wanted);
    for (const std::string& other : OddNames()) {
      const std::string by_throttle = KeyIn("ns", "t", other, other, GetParam());
      EXPECT_EQ(IsOf(by_throttle, of_throttle, {}, GetParam()), other == wanted)
          << by_throttle << " of throttle " << wanted;
      const std::string by_tenant = KeyIn("ns", other, wanted, "x", GetParam());
      EXPECT_EQ(IsOf(by_tenant, of_tenant, {}, GetParam()), other == wanted)
          << by_tenant << " of tenant " << wanted;
    }
    const std::string pattern = PatternOf(of_throttle, GetParam());
    EXPECT_TRUE(Matches(pattern, KeyIn("ns", "t", "a", wanted, GetParam()))) << pattern;
    EXPECT_TRUE(
        Matches(PatternOf(of_tenant, GetParam()), KeyIn("ns", wanted, "a", "x", GetParam())))
        << PatternOf(of_tenant, GetParam());
  }
}

TEST_P(ForgetTest, KeepsToTheNamespacesThatAreNamed) {
  const KeyScope scope = ScopeOf("x");
  for (const std::string& name : OddNames()) {
    const std::string key = KeyIn(name, "", "a", "x", GetParam());
    const std::vector<std::string> it = {"other", name};
    EXPECT_TRUE(IsOf(key, scope, it, GetParam())) << key;
    const std::vector<std::string> others = {"other", name + "x"};
    EXPECT_FALSE(IsOf(key, scope, others, GetParam())) << key;
    EXPECT_TRUE(IsOf(key, scope, {}, GetParam())) << key;
  }
}

TEST_P(ForgetTest, KnowsAThrottleWithinATenant) {
  const KeyScope scope = ScopeOf("x", "t");
  EXPECT_TRUE(IsOf(KeyIn("ns", "t", "a", "x", GetParam()), scope, {}, GetParam()));
  EXPECT_FALSE(IsOf(KeyIn("ns", "", "a", "x", GetParam()), scope, {}, GetParam()));
  EXPECT_FALSE(IsOf(KeyIn("ns", "t", "a", "y", GetParam()), scope, {}, GetParam()));
}

// Whatever else is in the same Redis.
TEST_P(ForgetTest, LetsTheKeysOfOthersBe) {
  const KeyScope scope = ScopeOf("x");
  for (const char* key : {"", ":", "{", "}", "{}", "::::", "ns:t:a:x:s", "{ns:t:a:x:s",
                          "{ns}:t:a:x", "{ns:t:a}", "session:{x}:x:x:x"}) {
    EXPECT_FALSE(IsOf(key, scope, {}, GetParam())) << key;
  }
}

}  // namespace
}  // namespace sluice
