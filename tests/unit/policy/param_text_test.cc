#include "policy/param_text.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using Kind = ParamValue::Kind;

ParamValue ValueOf(const std::string& yaml) {
  const absl::StatusOr<ParamValue> value = ParseParam(yaml);
  EXPECT_TRUE(value.ok()) << yaml << ": " << value.status();
  return value.ok() ? *value : ParamValue();
}

TEST(ParamTextTest, AWordIsItsText) {
  for (const char* word : {"250ms", "10", "0.5", "Europe/Berlin", "true", "-1", "a b", "a:b"}) {
    EXPECT_EQ(ValueOf(word).kind, Kind::kScalar);
    EXPECT_EQ(ValueOf(word).text, word);
  }
  EXPECT_EQ(ValueOf("'10'").text, "10");
  EXPECT_EQ(ValueOf("\"a\\tb\"").text, "a\tb");
  EXPECT_EQ(ValueOf("10 # a comment").text, "10");
}

TEST(ParamTextTest, NothingIsAnEmptyWord) {
  EXPECT_EQ(ValueOf("").kind, Kind::kScalar);
  EXPECT_EQ(ValueOf("").text, "");
  EXPECT_EQ(ValueOf("# a comment").text, "");
}

TEST(ParamTextTest, MapsAndListsAreReadAsTheConfigurationReadsThem) {
  const ParamValue tiers = ValueOf(R"({"free": 0.5, "pro": 5})");
  ASSERT_EQ(tiers.kind, Kind::kMap);
  ASSERT_EQ(tiers.entries.size(), 2u);
  EXPECT_EQ(tiers.entries[0].first, "free");
  EXPECT_EQ(tiers.entries[0].second.text, "0.5");
  EXPECT_EQ(tiers.entries[1].first, "pro");

  const ParamValue windows = ValueOf(R"([{"from": 8, "to": 20}, {"from": 20, "to": 8}])");
  ASSERT_EQ(windows.kind, Kind::kList);
  ASSERT_EQ(windows.items.size(), 2u);
  ASSERT_EQ(windows.items[1].kind, Kind::kMap);
  EXPECT_EQ(windows.items[1].entries[1].second.text, "8");
}

TEST(ParamTextTest, RefusesWhatTheConfigurationWouldRefuse) {
  const struct {
    const char* yaml;
    const char* what;
  } cases[] = {
      {"[1, 2", "write it as YAML"},
      {"a: b", "write it as YAML"},
      {"{a: 1, a: 2}", "the key 'a' is here twice"},
      {"1\nother: 2", "it goes on behind its value"},
      {"${SLUICE_UNSET}", "'SLUICE_UNSET' is not set"},
      {"[{a: [\"${SLUICE_UNSET}\"]}]", "'SLUICE_UNSET' is not set"},
      {"\xFF", "the byte 0xff is not text"},
      {"*alias", "anchor"},
  };
  for (const auto& each : cases) {
    const absl::Status status = ParseParam(each.yaml).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << each.yaml;
    EXPECT_THAT(std::string(status.message()), HasSubstr(each.what)) << each.yaml;
  }
}

}  // namespace
}  // namespace sluice
