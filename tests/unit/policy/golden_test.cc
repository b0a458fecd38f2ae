// Every broken configuration under tests/golden/policy, and exactly what is said about it.
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
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string Told(const fs::path& path) {
  std::string lines;
  const PolicyResult result = LoadPolicyFile(path.string(), 1);
  EXPECT_EQ(result.policy, nullptr);
  for (PolicyError error : result.errors) {
    error.position.file = fs::path(error.position.file).filename().string();
    lines += absl::StrReplaceAll(error.ToString(), {{Folder().string() + "/", ""}}) + "\n";
  }
  return lines;
}

class GoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, TellsEveryError) {
  const std::string told = Told(Folder() / (GetParam() + ".yaml"));
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
