// What a policy does not show, and what a policy from afar may not ask for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/loader.h"
#include "tests/fakes/temp_folder.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(SecretsTest, NoMatcherShowsWhatItComparesASecretWith) {
  const PolicyResult result = LoadPolicyText("policy.yaml", R"(
throttles:
  - uid: a
    rate: 1/s
    exempt:
      - {header.x-api-key: {in: [hush-in-1, hush-in-2]}}
      - {header.x-api-key: {prefix: hush-prefix}}
      - {header.x-api-key: {glob: "hush-glob-*"}}
      - {tier: {in: [gold]}}
    rules:
      - bypass: {match: {session_token: {regex: "hush-regex-.*"}}}
)",
                                             1);
  ASSERT_THAT(result.errors, IsEmpty());
  const PolicySet& policy = *result.policy;
  EXPECT_THAT(policy.yaml, Not(HasSubstr("hush")));
  EXPECT_THAT(policy.yaml, HasSubstr("prefix: \"***\""));
  EXPECT_THAT(policy.yaml, HasSubstr("gold"));
  for (const Exemption& exemption : policy.throttles[0].exempt) {
    EXPECT_THAT(exemption.text, Not(HasSubstr("hush")));
  }
  EXPECT_THAT(policy.throttles[0].rules.bypass[0].text, Not(HasSubstr("hush")));
}

TEST(SecretsTest, WhatComesFromAfarMayNameNoFiles) {
  const TempFolder folder;
  folder.Write("secret", "hush");
  const std::string path = folder / "secret";
  LoadOptions options;
  options.files = false;
  const PolicyResult result = LoadPolicyText("policy.yaml",
                                             "server: {grpc: {tls: {cert_file: " + path +
                                                 ", key_file: nowhere, client_ca_file: " + path +
                                                 "}}}\n"
                                                 "domains: {files: [" +
                                                 path +
                                                 ", nowhere]}\n"
                                                 "throttles: [{uid: a, rate: 1/s, exempt: "
                                                 "[{tier: {equals_file: " +
                                                 path + "}}]}]\n",
                                             1, options);
  std::vector<std::string> told;
  for (const PolicyError& error : result.errors) told.push_back(error.what);
  EXPECT_THAT(
      told, ElementsAre(
                "'cert_file': files cannot be read here", "'key_file': files cannot be read here",
                "'client_ca_file': files cannot be read here", "'files': files cannot be read here",
                "'files': files cannot be read here", "'equals_file': files cannot be read here"));
  EXPECT_EQ(result.inputs.fingerprint(), PolicyInputs().fingerprint());
}

}  // namespace
}  // namespace sluice
