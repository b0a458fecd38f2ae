// The script as Redis runs it, whole, so that a change of it is seen.
#include "backend/redis/script.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace sluice {
namespace {

// SLUICE_UPDATE_GOLDENS in the environment writes it anew.
TEST(DecideScriptTest, IsTheOneThatStandsInTheRepository) {
  const std::string path = SLUICE_SOURCE_DIR "/tests/golden/lua/script/decide.lua";
  const std::string& script = TheDecideScript().text;
  if (std::getenv("SLUICE_UPDATE_GOLDENS") != nullptr) std::ofstream(path) << script;
  std::ifstream file(path);
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_TRUE(script == golden.str()) << path << " is another one";
}

TEST(DecideScriptTest, IsKnownByItsHash) {
  EXPECT_EQ(TheDecideScript().sha1.size(), 40u);
  EXPECT_EQ(TheDecideScript().sha1.find_first_not_of("0123456789abcdef"), std::string::npos);
}

}  // namespace
}  // namespace sluice
