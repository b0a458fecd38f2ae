#include "cli/text.h"

#include <cmath>
#include <limits>
#include <string>

#include "gtest/gtest.h"

namespace sluice::cli {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(FormatDurationTest, TakesTheUnitThatAPersonWould) {
  EXPECT_EQ(FormatDuration(0), "0 s");
  EXPECT_EQ(FormatDuration(0.25), "250 us");
  EXPECT_EQ(FormatDuration(1.5), "1.5 ms");
  EXPECT_EQ(FormatDuration(250), "250 ms");
  EXPECT_EQ(FormatDuration(1500), "1.5 s");
  EXPECT_EQ(FormatDuration(42'000), "42 s");
  EXPECT_EQ(FormatDuration(120'000), "2 min");
  EXPECT_EQ(FormatDuration(150'000), "2 min 30 s");
  EXPECT_EQ(FormatDuration(3 * 3'600'000 + 12 * 60'000), "3 h 12 min");
  EXPECT_EQ(FormatDuration(86'400'000), "1 d");
  EXPECT_EQ(FormatDuration(365 * 86'400'000.0), "365 d");
}

TEST(FormatDurationTest, RoundsUpAlsoIntoTheNextUnit) {
  EXPECT_EQ(FormatDuration(1.1), "1.1 ms");
  EXPECT_EQ(FormatDuration(1.101), "1.2 ms");
  EXPECT_EQ(FormatDuration(1234.567), "1.24 s");
  EXPECT_EQ(FormatDuration(999.5), "1 s");
  EXPECT_EQ(FormatDuration(59'960), "1 min");
  EXPECT_EQ(FormatDuration(3'599'001), "1 h");
  EXPECT_EQ(FormatDuration(86'399'000), "1 d");
}

TEST(FormatDurationTest, SaysWhatIsNoLength) {
  EXPECT_EQ(FormatDuration(kInfinity), "never");
  EXPECT_EQ(FormatDuration(std::nan("")), "-");
  EXPECT_EQ(FormatDuration(-5), "0 s");
  EXPECT_EQ(FormatDuration(1e300), "11574074 d 2 h");
}

TEST(FormatInstantTest, IsUtcWithTheDigitsThatThereAre) {
  EXPECT_EQ(FormatInstant(1'700'000'000'000), "2023-11-14T22:13:20Z");
  EXPECT_EQ(FormatInstant(1'700'000'000'250.5), "2023-11-14T22:13:20.2505Z");
  EXPECT_EQ(FormatInstant(0), "1970-01-01T00:00:00Z");
}

TEST(FormatNumberTest, HasNoExponentWhereNoneIsNeeded) {
  EXPECT_EQ(FormatNumber(40), "40");
  EXPECT_EQ(FormatNumber(-2.5), "-2.5");
  EXPECT_EQ(FormatNumber(1'700'000'000'000), "1700000000000");
  EXPECT_EQ(FormatNumber(1'700'000'000'000.25), "1700000000000.25");
  EXPECT_EQ(FormatNumber(100.0 / 60'000), "0.00166667");
  EXPECT_EQ(FormatNumber(3.17e-9), "3.17e-09");
  EXPECT_EQ(FormatNumber(kInfinity), "unlimited");
}

TEST(PrintableTest, EncodesWhatATerminalWouldObeyOrNotShow) {
  EXPECT_EQ(Printable("caf\xC3\xA9 = 100%"), "caf\xC3\xA9 = 100%");
  EXPECT_EQ(Printable("\x1b[31m\n"), "%1B[31m%0A");
  EXPECT_EQ(Printable("\xC2\x9B"), "%C2%9B");
  EXPECT_EQ(Printable("a\xFF"), "a%FF");
  EXPECT_EQ(Printable(absl::string_view("\0", 1)), "%00");
}

TEST(DisplayWidthTest, CountsCharacters) {
  EXPECT_EQ(DisplayWidth("caf\xC3\xA9"), 4u);
  EXPECT_EQ(DisplayWidth(""), 0u);
}

}  // namespace
}  // namespace sluice::cli
