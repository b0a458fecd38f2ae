#include "core/nearest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice {
namespace {

const std::vector<absl::string_view>& Keys() {
  static const auto& keys = *new std::vector<absl::string_view>{
      "rate", "strategy", "shadow", "identifier", "burst_size", "key_by"};
  return keys;
}

TEST(NearestTest, FindsTheWordBehindASlip) {
  EXPECT_EQ(Nearest("strategi", Keys()), "strategy");  // substitution
  EXPECT_EQ(Nearest("stategy", Keys()), "strategy");   // deletion
  EXPECT_EQ(Nearest("shaddow", Keys()), "shadow");     // insertion
  EXPECT_EQ(Nearest("raet", Keys()), "rate");          // swap of neighbours
  EXPECT_EQ(Nearest("burstsize", Keys()), "burst_size");
  EXPECT_EQ(Nearest("identifer", Keys()), "identifier");
  EXPECT_EQ(Nearest("rate", Keys()), "rate");
}

TEST(NearestTest, ASwapIsOneEdit) {
  const std::vector<absl::string_view> keys = {"abXYef", "abdcef"};
  EXPECT_EQ(Nearest("abcdef", keys), "abdcef");
}

TEST(NearestTest, TheFirstOfEquallyNearWins) {
  const std::vector<absl::string_view> keys = {"cat", "bat"};
  EXPECT_EQ(Nearest("rat", keys), "cat");
}

TEST(NearestTest, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(Nearest("completely_else", Keys()), "");
  EXPECT_EQ(Nearest("rate", {}), "");
  EXPECT_EQ(Nearest("", Keys()), "");
}

// Two edits turn any word of two letters into any other.
TEST(NearestTest, AWordWrittenAnewIsNoSlip) {
  const std::vector<absl::string_view> keys = {"ab", "x"};
  EXPECT_EQ(Nearest("cd", keys), "");
  EXPECT_EQ(Nearest("y", keys), "");
}

TEST(NearestTest, LongWordsAreNotCompared) {
  const std::string word(65, 'a');
  const std::vector<absl::string_view> keys = {word};
  EXPECT_EQ(Nearest(word, keys), "");
  EXPECT_EQ(Nearest(word.substr(1), keys), "");
  const std::string shorter = word.substr(1);
  const std::vector<absl::string_view> short_keys = {shorter};
  EXPECT_EQ(Nearest(word.substr(2), short_keys), shorter);
}

}  // namespace
}  // namespace sluice
