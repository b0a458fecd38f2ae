#include "cli/table.h"

#include "gtest/gtest.h"

namespace sluice::cli {
namespace {

TEST(TableTest, LinesUpByCharacters) {
  Table table({{"NAME"}, {"LEFT", Table::Align::kRight}, {"NOTE"}});
  table.AddRow({{"caf\xC3\xA9"}, {"7"}, {"-"}});
  table.AddRow({{"tea house"}, {"12345"}, {"x"}});
  EXPECT_EQ(table.ToString(false),
            "NAME        LEFT  NOTE\n"
            "caf\xC3\xA9           7  -\n"
            "tea house  12345  x\n");
}

TEST(TableTest, WithoutTitlesHasNoLineOfThem) {
  Table table({{""}, {""}});
  table.AddRow({{"a"}, {"1"}});
  table.AddRow({{"long"}, {"2"}});
  EXPECT_EQ(table.ToString(false, "  "),
            "  a     1\n"
            "  long  2\n");
}

TEST(TableTest, ColourTakesNoWidthAndStandsOnlyWhereItIsWanted) {
  Table table({{"CODE"}, {"N", Table::Align::kRight}});
  table.AddRow({{"OK", Color::kGreen}, {"1"}});
  EXPECT_EQ(table.ToString(true),
            "CODE  N\n"
            "\x1b[32mOK\x1b[0m    1\n");
  EXPECT_EQ(table.ToString(false),
            "CODE  N\n"
            "OK    1\n");
}

TEST(TableTest, NobodysNameBreaksALine) {
  Table table({{"NAME"}});
  table.AddRow({{"a\nb\x1b"}});
  EXPECT_EQ(table.ToString(true), "NAME\na%0Ab%1B\n");
}

}  // namespace
}  // namespace sluice::cli
