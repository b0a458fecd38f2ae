// Every broken configuration under tests/golden/policy, a file or a folder, and exactly what is
// said about it.
//
// SLUICE_UPDATE_GOLDENS=1 in the environment writes the .expected files anew; read the difference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "policy/loader.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

const fs::path& Folder() {
  static const auto& folder = *new fs::path(SLUICE_SOURCE_DIR "/tests/golden/policy");
  return folder;
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(Folder())) {
    const std::string name = entry.path().stem().string();
    const bool folder = entry.is_directory() && absl::StartsWith(name, "folder_");
    if (folder || entry.path().extension() == ".yaml") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::optional<std::string> Environment(absl::string_view name) {
  if (name == "RATE") return "20 a minute";
  if (name == "EMPTY") return "";
  return absl::nullopt;
}

std::string Told(const fs::path& path) {
  std::string lines;
  const PolicyResult result = LoadPolicyFile(path.string(), 1, {Environment});
  EXPECT_EQ(result.policy, nullptr);
  for (PolicyError error : result.errors) {
    error.position.file = fs::path(error.position.file).filename().string();
    lines += absl::StrReplaceAll(error.ToString(), {{Folder().string() + "/", ""}}) + "\n";
  }
  return lines;
}

TEST(GoldenFilesTest, AreAHundredAtLeast) { EXPECT_GE(Names().size(), 100U); }

// A file of its own would be large.
TEST(GoldenFilesTest, TellThatAConditionHasTooManyValues) {
  std::string text = "throttles: [{uid: a, rate: 1/s, cost: {by: k, values: {";
  for (int i = 0; i <= 10'000; ++i) absl::StrAppend(&text, "v", i, ": 1, ");
  const PolicyResult result = LoadPolicyText("policy.yaml", text + "}}}]", 1);
  ASSERT_EQ(result.errors.size(), 1U);
  EXPECT_EQ(result.errors[0].ToString(),
            "policy.yaml:1:55: 'values' has too many entries (at most 10000)");
}

class GoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, TellsEveryError) {
  const fs::path folder = Folder() / GetParam();
  const std::string told =
      Told(fs::is_directory(folder) ? folder : fs::path(folder.string() + ".yaml"));
  const fs::path expected = Folder() / (GetParam() + ".expected");
  if (std::getenv("SLUICE_UPDATE_GOLDENS") != nullptr) std::ofstream(expected) << told;
  std::ifstream stream(expected);
  ASSERT_TRUE(stream) << expected << " is missing";
  std::ostringstream text;
  text << stream.rdbuf();
  EXPECT_EQ(told, text.str());
  EXPECT_NE(told, "");
}

INSTANTIATE_TEST_SUITE_P(Policy, GoldenTest, testing::ValuesIn(Names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace sluice
