#include "policy/template.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/container/flat_hash_map.h"

namespace sluice {
namespace {

using Values = absl::flat_hash_map<std::string, std::string>;

std::string Render(const IdentifierTemplate& identifier, const Values& values) {
  return identifier.Render([&](absl::string_view key) -> absl::string_view {
    const auto found = values.find(key);
    return found == values.end() ? absl::string_view() : found->second;
  });
}

std::string Render(absl::string_view text, const Values& values) {
  const absl::StatusOr<IdentifierTemplate> identifier = IdentifierTemplate::Parse(text);
  EXPECT_TRUE(identifier.ok()) << identifier.status();
  return identifier.ok() ? Render(*identifier, values) : "";
}

TEST(IdentifierTemplateTest, TakesTheFirstKeyThatIsNotEmpty) {
  const Values both = {{"user_id", "alice"}, {"remote_address", "192.0.2.1"}};
  EXPECT_EQ(Render("{user_id|remote_address}", both), "alice");
  EXPECT_EQ(Render("{remote_address|user_id}", both), "192.0.2.1");
  EXPECT_EQ(Render("{user_id|remote_address}", {{"user_id", ""}, {"remote_address", "192.0.2.1"}}),
            "192.0.2.1");
}

TEST(IdentifierTemplateTest, MixesLiteralsAndKeys) {
  const Values values = {{"user_id", "alice"}, {"header.x-api-key", "k1"}};
  EXPECT_EQ(Render("user:{user_id}", values), "user:alice");
  EXPECT_EQ(Render("{ user_id | nobody }/{header.x-api-key}.", values), "alice/k1.");
  EXPECT_EQ(Render("{user_id}{user_id}", values), "alicealice");
}

TEST(IdentifierTemplateTest, OneValueOfSeveralIsEnough) {
  EXPECT_EQ(Render("{user_id}:{region}", {{"region", "eu"}}), ":eu");
}

TEST(IdentifierTemplateTest, WithoutAnyValueIsAnonymous) {
  EXPECT_EQ(Render("user:{user_id|remote_address}", {}), kAnonymous);
  EXPECT_EQ(Render("{a}{b}", {{"a", ""}}), kAnonymous);
}

TEST(IdentifierTemplateTest, OnlyLiteralIsOneCounterForAll) {
  EXPECT_EQ(Render("everybody", {{"user_id", "alice"}}), "everybody");
}

TEST(IdentifierTemplateTest, ValuesAreNotTemplates) {
  EXPECT_EQ(Render("{user_id}", {{"user_id", "{secret}"}, {"secret", "s"}}), "{secret}");
}

TEST(IdentifierTemplateTest, DefaultIsTheIdentifierElseTheAddress) {
  const IdentifierTemplate standard;
  EXPECT_EQ(standard.text(), "{identifier|remote_address}");
  EXPECT_EQ(Render(standard, {{"identifier", "alice"}, {"remote_address", "192.0.2.1"}}), "alice");
  EXPECT_EQ(Render(standard, {{"remote_address", "192.0.2.1"}}), "192.0.2.1");
}

TEST(IdentifierTemplateTest, KeepsItsText) {
  EXPECT_EQ(IdentifierTemplate::Parse("user:{ user_id }")->text(), "user:{ user_id }");
}

TEST(IdentifierTemplateTest, RefusesWhatIsNoTemplate) {
  for (absl::string_view text : {"", "{", "}", "{}", "{a", "a}", "{a|}", "{|a}", "{a||b}", "{{a}}",
                                 "{a}}", "{ }", "a{b}c}"}) {
    const absl::StatusOr<IdentifierTemplate> identifier = IdentifierTemplate::Parse(text);
    EXPECT_EQ(identifier.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_TRUE(IdentifierTemplate::Parse(std::string(1024, 'x')).ok());
  EXPECT_FALSE(IdentifierTemplate::Parse(std::string(1025, 'x')).ok());
}

}  // namespace
}  // namespace sluice
