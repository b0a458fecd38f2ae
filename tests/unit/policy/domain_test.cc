#include "policy/domain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "policy/loader.h"

namespace sluice {
namespace {

using testing::ElementsAre;

using Entries = std::vector<DescriptorEntry>;

std::shared_ptr<const PolicySet> Load(absl::string_view text) {
  PolicyResult result = LoadPolicyText("domain.yaml", text, 1);
  for (const PolicyError& error : result.errors) ADD_FAILURE() << error.ToString();
  return std::move(result.policy);
}

// Which limit applies, by its path; "-" for none.
std::string PathOf(const PolicySet& policy, const Entries& entries) {
  const DescriptorMatch match = policy.domains.at(0).Match(entries);
  return match.limit == nullptr ? "-" : match.limit->path;
}

size_t ExactPrefix(const PolicySet& policy, const Entries& entries) {
  return policy.domains.at(0).Match(entries).exact_prefix;
}

TEST(DomainTest, ReadsALimitAsItStands) {
  const auto policy = Load(R"(
domain: edge
descriptors:
  - key: path
    value: /login
    shadow_mode: true
    rate_limit: {unit: MINUTE, requests_per_unit: 5, name: login}
)");
  ASSERT_NE(policy, nullptr);
  ASSERT_NE(policy->FindDomain("edge"), nullptr);
  EXPECT_EQ(policy->FindDomain("other"), nullptr);
  const DescriptorLimit* limit = policy->FindDomain("edge")->Match({{"path", "/login"}}).limit;
  ASSERT_NE(limit, nullptr);
  EXPECT_EQ(limit->path, "path_/login");
  EXPECT_EQ(limit->name, "login");
  EXPECT_TRUE(limit->shadow);
  EXPECT_FALSE(limit->unlimited);
  ASSERT_TRUE(limit->limit.has_value());
  EXPECT_EQ(limit->limit->strategy(), "fixed_window");
  EXPECT_EQ(limit->limit->rate().ToString(), "5/min");
}

TEST(DomainTest, ExactGoesBeforeWildcardBeforeKeyAlone) {
  const auto policy = Load(R"(
domain: edge
descriptors:
  - {key: path, rate_limit: {unit: second, requests_per_unit: 1}}
  - {key: path, value: "/a*", rate_limit: {unit: second, requests_per_unit: 2}}
  - {key: path, value: "*b", rate_limit: {unit: second, requests_per_unit: 3}}
  - {key: path, value: /ab, rate_limit: {unit: second, requests_per_unit: 4}}
)");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(PathOf(*policy, {{"path", "/ab"}}), "path_/ab");
  EXPECT_EQ(PathOf(*policy, {{"path", "/a/b"}}), "path_/a*");  // the first in file order
  EXPECT_EQ(PathOf(*policy, {{"path", "/c/b"}}), "path_*b");
  EXPECT_EQ(PathOf(*policy, {{"path", "/c"}}), "path");
  EXPECT_EQ(PathOf(*policy, {{"path", ""}}), "path");
  EXPECT_EQ(PathOf(*policy, {{"other", "/ab"}}), "-");
  EXPECT_EQ(PathOf(*policy, {}), "-");
}

TEST(DomainTest, DoesNotGoBackToAnotherBranch) {
  const auto policy = Load(R"(
domain: edge
descriptors:
  - {key: path, value: /a, descriptors: [{key: user, rate_limit: {unit: day, requests_per_unit: 1}}]}
  - {key: path, descriptors: [{key: address, rate_limit: {unit: day, requests_per_unit: 1}}]}
)");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(PathOf(*policy, {{"path", "/a"}, {"user", "x"}}), "path_/a.user");
  EXPECT_EQ(PathOf(*policy, {{"path", "/b"}, {"address", "x"}}), "path.address");
  EXPECT_EQ(PathOf(*policy, {{"path", "/a"}, {"address", "x"}}), "-");
}

TEST(DomainTest, ALimitAppliesOnlyAtTheLastEntry) {
  const auto policy = Load(R"(
domain: edge
descriptors:
  - key: path
    rate_limit: {unit: day, requests_per_unit: 9}
    descriptors:
      - key: user
        descriptors: [{key: method, rate_limit: {unit: day, requests_per_unit: 1}}]
)");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(PathOf(*policy, {{"path", "/"}}), "path");
  EXPECT_EQ(PathOf(*policy, {{"path", "/"}, {"user", "x"}}), "-");
  EXPECT_EQ(PathOf(*policy, {{"path", "/"}, {"nobody", "x"}}), "-");
  EXPECT_EQ(PathOf(*policy, {{"path", "/"}, {"user", "x"}, {"method", "GET"}}), "path.user.method");
}

TEST(DomainTest, KeysAndValuesDoNotRunIntoEachOther) {
  const auto policy = Load(R"(
domain: edge
descriptors: [{key: a, value: b_c, rate_limit: {unit: second, requests_per_unit: 1}}]
)");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(PathOf(*policy, {{"a", "b_c"}}), "a_b_c");
  EXPECT_EQ(PathOf(*policy, {{"a_b", "c"}}), "-");
  EXPECT_EQ(PathOf(*policy, {{"a_b_c", ""}}), "-");
  EXPECT_NE(Domain::Node::Child("a", "b_c"), Domain::Node::Child("a_b", "c"));
  EXPECT_NE(Domain::Node::Child("1:a", "b"), Domain::Node::Child("1", ":ab"));
}

TEST(DomainTest, CountsTheEntriesThatMatchedExactly) {
  const auto policy = Load(R"(
domain: edge
descriptors:
  - key: a
    value: x
    descriptors:
      - key: b
        descriptors: [{key: c, value: z, rate_limit: {unit: second, requests_per_unit: 1}}]
      - key: b
        value: y
        rate_limit: {unit: second, requests_per_unit: 1}
      - {key: w, value: "*", rate_limit: {unit: second, requests_per_unit: 1}}
)");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(ExactPrefix(*policy, {{"a", "x"}, {"b", "y"}}), 2U);
  EXPECT_EQ(ExactPrefix(*policy, {{"a", "x"}, {"b", "other"}, {"c", "z"}}), 1U);
  EXPECT_EQ(ExactPrefix(*policy, {{"a", "x"}, {"w", "anything"}}), 1U);
  EXPECT_EQ(ExactPrefix(*policy, {{"b", "y"}}), 0U);
}

struct WildcardCase {
  const char* pattern;
  const char* value;
  bool matches;
};

TEST(DomainTest, AStarIsZeroOrMoreCharacters) {
  for (const WildcardCase& c : std::vector<WildcardCase>{{"*", "", true},
                                                         {"*", "anything", true},
                                                         {"a*", "a", true},
                                                         {"a*", "ba", false},
                                                         {"*a", "banana", true},
                                                         {"*a", "bananas", false},
                                                         {"a*c", "abcbc", true},
                                                         {"a*c", "abcb", false},
                                                         {"a**c", "ac", true},
                                                         {"*an*an*", "banana", true},
                                                         {"*an*an*an*", "banana", false},
                                                         {"a*b*c", "aXbYc", true},
                                                         {"a*b*c", "aXcYb", false}}) {
    Domain domain("edge");
    auto node = std::make_unique<Domain::Node>();
    node->limit.emplace();
    domain.root().wildcards.push_back({"k", c.pattern, std::move(node)});
    EXPECT_EQ(domain.Match({{"k", c.value}}).limit != nullptr, c.matches)
        << c.pattern << " on " << c.value;
  }
}

TEST(DomainTest, ManyStarsAreNotTriedInEveryWay) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  Domain domain("edge");
  domain.root().wildcards.push_back({"k", pattern + "b", std::make_unique<Domain::Node>()});
  const std::string value(20'000, 'a');  // exponential or even cubic work would not end
  EXPECT_EQ(domain.Match({{"k", value}}).limit, nullptr);
}

TEST(DomainTest, MatchesAnyBytes) {
  const auto policy = Load(R"(
domain: edge
descriptors: [{key: agent, value: "*bot*", rate_limit: {unit: second, requests_per_unit: 1}}]
)");
  ASSERT_NE(policy, nullptr);
  const absl::string_view bytes("\xff\0bot\xfe", 6);
  EXPECT_EQ(PathOf(*policy, {{"agent", bytes}}), "agent_*bot*");
  EXPECT_EQ(PathOf(*policy, {{absl::string_view("agent\0", 6), bytes}}), "-");
}

TEST(DomainTest, KeysAndValuesAreTheTextInTheFile) {
  const auto policy = Load(R"(
domain: edge
descriptors:
  - {key: yes, value: 010, rate_limit: {unit: second, requests_per_unit: 1}}
  - {key: on, value: , rate_limit: {unit: second, requests_per_unit: 1}}
  - {key: off, value: "", rate_limit: {unit: second, requests_per_unit: 1}}
  - {key: price, value: "${5}", rate_limit: {unit: second, requests_per_unit: 1}}
)");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(PathOf(*policy, {{"yes", "010"}}), "yes_010");
  EXPECT_EQ(PathOf(*policy, {{"on", "anything"}}), "on");
  EXPECT_EQ(PathOf(*policy, {{"off", "anything"}}), "off");
  EXPECT_EQ(PathOf(*policy, {{"price", "${5}"}}), "price_${5}");
}

TEST(DomainTest, KnowsAllUnitsAndAmounts) {
  const std::vector<std::pair<std::string, std::string>> units = {
      {"second", "s"}, {"Minute", "min"}, {"HOUR", "h"},   {"day", "d"},
      {"week", "w"},   {"month", "30d"},  {"year", "365d"}};
  for (const auto& [unit, period] : units) {
    for (const char* amount : {"0", "1", "4294967295"}) {
      const auto policy = Load("domain: d\ndescriptors: [{key: k, rate_limit: {unit: " + unit +
                               ", requests_per_unit: " + amount + "}}]\n");
      ASSERT_NE(policy, nullptr);
      EXPECT_EQ(policy->domains[0].Limits().at(0)->limit->rate().ToString(),
                std::string(amount) + "/" + period);
    }
  }
}

TEST(DomainTest, AbsentRequestsPerUnitIsALimitOfZero) {
  const auto policy = Load("domain: d\ndescriptors: [{key: k, rate_limit: {unit: hour}}]\n");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->domains[0].Limits().at(0)->limit->rate().limit(), 0);
}

TEST(DomainTest, UnlimitedHasNoLimit) {
  const auto policy = Load("domain: d\ndescriptors: [{key: k, rate_limit: {unlimited: true}}]\n");
  ASSERT_NE(policy, nullptr);
  const DescriptorLimit& limit = *policy->domains[0].Limits().at(0);
  EXPECT_TRUE(limit.unlimited);
  EXPECT_FALSE(limit.limit.has_value());
}

TEST(DomainTest, ListsItsLimitsByPath) {
  const auto policy = Load(R"(
domain: edge
descriptors:
  - {key: z, rate_limit: {unlimited: true}}
  - key: a
    descriptors:
      - {key: "n", value: "*", rate_limit: {unlimited: true}}
      - {key: m, value: x, rate_limit: {unlimited: true}}
  - {key: nothing}
)");
  ASSERT_NE(policy, nullptr);
  std::vector<std::string> paths;
  for (const DescriptorLimit* limit : policy->domains[0].Limits()) paths.push_back(limit->path);
  EXPECT_THAT(paths, ElementsAre("a.m_x", "a.n_*", "z"));
}

}  // namespace
}  // namespace sluice
