// Values from elsewhere than the configuration's own text: variables and secret files.
#include "policy/variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/loader.h"
#include "policy/reader.h"
#include "tests/fakes/temp_folder.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Variables = std::map<std::string, std::string>;

Environment EnvironmentOf(Variables variables) {
  return [variables](absl::string_view name) -> absl::optional<std::string> {
    const auto found = variables.find(std::string(name));
    if (found == variables.end()) return absl::nullopt;
    return found->second;
  };
}

std::string Expand(absl::string_view text) {
  const Expansion expansion = ExpandVariables(
      text, EnvironmentOf({{"A", "one"}, {"EMPTY", ""}, {"_b2", "two"}, {"REF", "${A}"}}),
      /*most=*/64);
  return expansion.problem.empty() ? expansion.text : "! " + expansion.problem;
}

TEST(VariablesTest, AreReplacedAnywhereInAText) {
  EXPECT_EQ(Expand("${A}"), "one");
  EXPECT_EQ(Expand("x${A}${_b2}y"), "xonetwoy");
  EXPECT_EQ(Expand("${EMPTY}"), "");
  EXPECT_EQ(Expand("plain $A $ $$ {A}"), "plain $A $ $$ {A}");
  EXPECT_EQ(Expand(""), "");
}

TEST(VariablesTest, ADefaultStandsForWhatIsUnsetOrEmpty) {
  EXPECT_EQ(Expand("${A:-x}"), "one");
  EXPECT_EQ(Expand("${UNSET:-x y}"), "x y");
  EXPECT_EQ(Expand("${EMPTY:-x}"), "x");
  EXPECT_EQ(Expand("${UNSET:-}"), "");
  EXPECT_EQ(Expand("${UNSET:-a:-b$}"), "a:-b$");
}

TEST(VariablesTest, AreNotReplacedAgain) { EXPECT_EQ(Expand("${REF}"), "${A}"); }

TEST(VariablesTest, ADollarInFrontMakesItText) {
  EXPECT_EQ(Expand("$${A}"), "${A}");
  EXPECT_EQ(Expand("$$${A}"), "$${A}");
  EXPECT_EQ(Expand("$${A} ${A}"), "${A} one");
}

TEST(VariablesTest, WhatIsNoReferenceIsRefused) {
  EXPECT_EQ(Expand("${UNSET}"), "! the environment variable 'UNSET' is not set");
  EXPECT_EQ(Expand("a ${A"), "! '${' has no '}'");
  for (const char* text : {"${}", "${1}", "${A B}", "${A-x}", "${A:x}", "${:-x}", "${a.b}"}) {
    EXPECT_EQ(Expand(text), "! a '${...}' names no variable") << text;
  }
  EXPECT_EQ(Expand("${A:-${A}}"), "! the default of 'A' holds a variable");
  EXPECT_EQ(Expand(absl::StrCat("${A}", std::string(62, 'x'))),
            "! the values with variables are too long");
}

TEST(VariablesTest, ValuesAreText) {
  EXPECT_THAT(ExpandVariables("${A}", EnvironmentOf({{"A", "\xff"}}), 64).problem,
              HasSubstr("is not UTF-8 text"));
}

TEST(VariablesTest, DefaultsAreMasked) {
  EXPECT_EQ(MaskDefaults("a ${A} ${B:-secret} ${C:-} $${D:-x}"),
            "a ${A} ${B:-***} ${C:-} $${D:-x}");
  EXPECT_TRUE(IsReference("${A}"));
  EXPECT_FALSE(IsReference("${A}b"));
  EXPECT_FALSE(IsReference("${A}${B}"));
  EXPECT_FALSE(IsReference("$${A}"));
}

TEST(VariablesTest, TheProcessHasAnEnvironment) {
  EXPECT_TRUE(ProcessEnvironment()("PATH").has_value());
  EXPECT_FALSE(ProcessEnvironment()("SLUICE_UNSET").has_value());
}

std::shared_ptr<const PolicySet> Load(const std::string& text, const Variables& variables) {
  const PolicyResult result = LoadPolicyText("test.yaml", text, 1, {EnvironmentOf(variables)});
  for (const PolicyError& error : result.errors) ADD_FAILURE() << error.ToString();
  return result.policy;
}

TEST(VariablesTest, StandInAnyValueOfAConfiguration) {
  const auto policy = Load(
      "namespace: a-${A}\n"
      "backends: {local: {type: memory, max_keys: \"${KEYS:-77}\"}}\n"
      "throttles:\n"
      "  - uid: ${A}\n"
      "    rate: ${RATE}\n"
      "    strategy: {type: tiered_rate, tiers: {\"${A}\": \"${TIMES}\"}, default_tier: "
      "\"$${A}\"}\n"
      "    context: {\"${A}\": \"${A}\"}\n",
      {{"A", "one"}, {"RATE", "5/min"}, {"TIMES", "2"}});
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->name_space, "a-one");
  EXPECT_EQ(policy->backends[0].max_keys, 77);
  ASSERT_NE(policy->FindThrottle("one"), nullptr);
  EXPECT_EQ(policy->FindThrottle("one")->rate.otherwise.rate.ToString(), "5/min");
  // Keys are plain text.
  EXPECT_THAT(policy->FindThrottle("one")->context,
              testing::UnorderedElementsAre(testing::Pair("${A}", "one")));
}

TEST(VariablesTest, TheHashIsThatOfTheValuesToo) {
  const std::string text = "namespace: ${A}\n";
  const std::string one = Load(text, {{"A", "one"}})->content_hash;
  EXPECT_EQ(Load(text, {{"A", "one"}, {"B", "unused"}})->content_hash, one);
  EXPECT_NE(Load(text, {{"A", "two"}})->content_hash, one);
}

TEST(VariablesTest, AreBoundedInAll) {
  std::string text = "tenants:\n";
  for (int i = 0; i < 5; ++i)
    absl::StrAppend(&text, "  t", i, ": {default_context: {a: \"${A}\"}}\n");
  const PolicyResult result =
      LoadPolicyText("test.yaml", text, 1, {EnvironmentOf({{"A", std::string(300'000, 'x')}})});
  ASSERT_EQ(result.errors.size(), 5U);
  EXPECT_THAT(result.errors[2].ToString(), HasSubstr("too long (at most 1024 bytes together)"));
  EXPECT_THAT(
      result.errors[3].ToString(),
      HasSubstr("test.yaml:5:29: 'a': the values with variables are too long (1 MiB in all)"));
}

class SecretTest : public testing::Test {
 protected:
  // The secret `equals` of a map, which is the value of `name` in the configuration.
  absl::optional<std::string> Read(const std::string& text, const std::string& name = "tier") {
    document_ = std::make_unique<YamlDocument>(absl::StrCat(name, ": ", text), "test.yaml");
    outside_ = Outside();
    outside_.folder = folder_ / "";
    outside_.environment = EnvironmentOf({{"TOKEN", "from outside"}});
    FileReader file("test.yaml", FileReader::Dialect::kSluice, outside_);
    MapReader map(file, {name, document_->root()->Find(name)}, "a matcher");
    absl::optional<std::string> secret = Secret(file, map, "equals");
    errors_.clear();
    for (const PolicyError& error : file.Errors()) errors_.push_back(error.ToString());
    return secret;
  }

  const TempFolder folder_;
  std::unique_ptr<YamlDocument> document_;
  Outside outside_;
  std::vector<std::string> errors_;
};

TEST_F(SecretTest, IsALiteralOrInAFile) {
  EXPECT_EQ(Read("{equals: abc}"), "abc");
  EXPECT_EQ(Read("{equals: \"${TOKEN}\"}"), "from outside");
  folder_.Write("a/secret", "se cret\n\n");
  EXPECT_EQ(Read("{equals_file: a/secret}"), "se cret\n");
  folder_.Write("a/secret", "x\r\n");
  EXPECT_EQ(Read("{equals_file: " + folder_ / "a/secret" + "}"), "x");
  folder_.Write("from outside", std::string(64 << 10, 'x'));
  EXPECT_EQ(Read("{equals_file: \"${TOKEN}\"}"), std::string(64 << 10, 'x'));
  EXPECT_THAT(errors_, IsEmpty());
  EXPECT_EQ(Read("{}"), absl::nullopt);
  EXPECT_THAT(errors_, IsEmpty());
}

TEST_F(SecretTest, WhatIsWrongIsTold) {
  EXPECT_EQ(Read("{equals: a, equals_file: b}"), absl::nullopt);
  EXPECT_THAT(errors_,
              ElementsAre("test.yaml:1:32: both 'equals' and 'equals_file' are given (keep "
                          "one of them)"));
  const auto error = [&](const std::string& name) {
    EXPECT_EQ(Read("{equals_file: " + name + "}"), absl::nullopt);
    EXPECT_EQ(errors_.size(), 1U);
    return errors_.front();
  };
  EXPECT_EQ(error("nothing"),
            "test.yaml:1:21: 'equals_file' 'nothing': the file cannot be read: No such file or "
            "directory (a file with the secret in it, named relative to the folder of this file)");
  folder_.Write("s", "\n");
  EXPECT_THAT(error("s"), HasSubstr("the file is empty"));
  folder_.Write("s", "\xff");
  EXPECT_THAT(error("s"), HasSubstr("the file is not UTF-8 text"));
  folder_.Write("s", std::string((64 << 10) + 1, 'x'));
  EXPECT_THAT(error("s"), HasSubstr("the file is larger than 65536 bytes"));
  EXPECT_THAT(error("[a]"), HasSubstr("must be a single value"));
}

TEST_F(SecretTest, TheFileIsPartOfWhatWasRead) {
  folder_.Write("s", "one");
  Read("{equals_file: s}");
  const PolicyInputs inputs = outside_.inputs;
  const std::string digests = outside_.digests;
  EXPECT_EQ(inputs.PresentFingerprint(), inputs.fingerprint());
  folder_.Write("s", "two");
  EXPECT_NE(inputs.PresentFingerprint(), inputs.fingerprint());
  Read("{equals_file: s}");
  EXPECT_NE(outside_.digests, digests);
}

TEST_F(SecretTest, ALiteralIsConcealedByTheNamesAroundIt) {
  const auto concealed = [&](const std::string& name) {
    Read("{equals: abc}", name);
    return outside_.concealed.contains(document_->root()->Find(name)->Find("equals"));
  };
  for (const char* name : {"header.x-admin-token", "header.Authorization", "header.cookie",
                           "header.x-api-key", "client_secret", "db_password"}) {
    EXPECT_TRUE(concealed(name)) << name;
  }
  for (const char* name : {"tier", "path", "remote_address"}) EXPECT_FALSE(concealed(name)) << name;
}

}  // namespace
}  // namespace sluice
