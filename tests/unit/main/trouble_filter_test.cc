#include "main/trouble_filter.h"

#include <gtest/gtest.h>

#include "core/rate.h"
#include "tests/fakes/fake_clock.h"

namespace sluice {
namespace {

class TroubleFilterTest : public testing::Test {
 protected:
  FakeClock clock_;
  TroubleFilter filter_{clock_};
};

TEST_F(TroubleFilterTest, PassesAReasonOnceInTenSeconds) {
  EXPECT_TRUE(filter_.Passes("refused"));
  for (int tenth = 1; tenth < 100; ++tenth) {
    clock_.Advance(kSecondUs / 10);
    EXPECT_FALSE(filter_.Passes("refused")) << tenth;
  }
  clock_.Advance(kSecondUs / 10);
  EXPECT_TRUE(filter_.Passes("refused"));
}

TEST_F(TroubleFilterTest, PassesOneReasonASecond) {
  EXPECT_TRUE(filter_.Passes("refused"));
  EXPECT_FALSE(filter_.Passes("reset"));
  clock_.Advance(kSecondUs - 1);
  EXPECT_FALSE(filter_.Passes("reset"));
  clock_.Advance(1);
  EXPECT_TRUE(filter_.Passes("reset"));
  clock_.Advance(kSecondUs);
  EXPECT_FALSE(filter_.Passes("refused"));
}

TEST_F(TroubleFilterTest, PassesThatAllIsWellAtFirstAndAfterATrouble) {
  EXPECT_TRUE(filter_.PassesWell());
  EXPECT_FALSE(filter_.PassesWell());
  EXPECT_TRUE(filter_.Passes("refused"));
  EXPECT_FALSE(filter_.Passes("refused"));
  EXPECT_TRUE(filter_.PassesWell());
  EXPECT_FALSE(filter_.Passes("refused"));
  EXPECT_FALSE(filter_.PassesWell()) << "the log has not heard that it was lost again";
}

TEST_F(TroubleFilterTest, PassesNothingOnceItIsClosed) {
  filter_.Close();
  EXPECT_FALSE(filter_.Passes("refused"));
  EXPECT_FALSE(filter_.PassesWell());
}

}  // namespace
}  // namespace sluice
