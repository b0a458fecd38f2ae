#include "cli/simulate/csv.h"

#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "tests/unit/client/simulation_fixture.h"

namespace sluice::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Record = std::vector<std::string>;

struct Parsed {
  std::vector<Record> records;
  std::vector<int64_t> lines;
  absl::Status status;
  int64_t error_line = 0;
};

Parsed Parse(const std::string& text, size_t piece = SIZE_MAX) {
  Parsed parsed;
  CsvReader reader(FromText(text, piece));
  for (;;) {
    const absl::StatusOr<bool> there = reader.Next();
    parsed.status = there.status();
    parsed.error_line = reader.line();
    if (!there.ok() || !*there) return parsed;
    Record record;
    for (absl::string_view cell : reader.cells()) record.emplace_back(cell);
    parsed.records.push_back(std::move(record));
    parsed.lines.push_back(reader.line());
  }
}

TEST(CsvReaderTest, ReadsRecordsOfCells) {
  const Parsed parsed = Parse("a,b,c\n1,,3\n,,\n");
  EXPECT_THAT(parsed.records,
              ElementsAre(Record{"a", "b", "c"}, Record{"1", "", "3"}, Record{"", "", ""}));
  EXPECT_THAT(parsed.lines, ElementsAre(1, 2, 3));
}

TEST(CsvReaderTest, TheLastLineNeedsNoEnd) {
  EXPECT_THAT(Parse("a\nb").records, ElementsAre(Record{"a"}, Record{"b"}));
  EXPECT_THAT(Parse("a,").records, ElementsAre(Record{"a", ""}));
  EXPECT_THAT(Parse("\"a\"").records, ElementsAre(Record{"a"}));
}

TEST(CsvReaderTest, CarriageReturnsBelongToLineEnds) {
  EXPECT_THAT(Parse("a,b\r\n1,2\r\n").records, ElementsAre(Record{"a", "b"}, Record{"1", "2"}));
  EXPECT_THAT(Parse("a\r").records, ElementsAre(Record{"a"}));
  EXPECT_THAT(Parse("\"a\"\r\n").records, ElementsAre(Record{"a"}));
  EXPECT_THAT(Parse("a\rb\n").records, ElementsAre(Record{"a\rb"}));
}

TEST(CsvReaderTest, AByteOrderMarkIsIgnoredAtTheFrontAlone) {
  EXPECT_THAT(Parse("\xEF\xBB\xBF"
                    "a,b\n\xEF\xBB\xBF\n")
                  .records,
              ElementsAre(Record{"a", "b"}, Record{"\xEF\xBB\xBF"}));
  EXPECT_THAT(Parse("\xEF\xBB\xBF\"a\",b\n").records, ElementsAre(Record{"a", "b"}));
  EXPECT_THAT(Parse("\xEF\xBB\xBF").records, IsEmpty());
}

TEST(CsvReaderTest, EmptyLinesAreSkippedAndCounted) {
  const Parsed parsed = Parse("\n\na\n\r\nb\n\n");
  EXPECT_THAT(parsed.records, ElementsAre(Record{"a"}, Record{"b"}));
  EXPECT_THAT(parsed.lines, ElementsAre(3, 5));
}

TEST(CsvReaderTest, NothingIsNoRecord) { EXPECT_THAT(Parse("").records, IsEmpty()); }

TEST(CsvReaderTest, QuotedCellsHoldAnything) {
  const Parsed parsed =
      Parse("\"a,b\",\"say \"\"hi\"\"\",\"\"\n\"two\nlines\",x,\"\"\"\"\nend,,\n");
  EXPECT_THAT(parsed.records, ElementsAre(Record{"a,b", "say \"hi\"", ""},
                                          Record{"two\nlines", "x", "\""}, Record{"end", "", ""}));
  EXPECT_THAT(parsed.lines, ElementsAre(1, 2, 4));
}

TEST(CsvReaderTest, TellsWhatIsNoCsvAndOnWhichLine) {
  const struct {
    std::string text;
    int64_t line;
    std::string what;
  } cases[] = {
      {"a\nb\"c\n", 2, "a quote stands inside a cell without quotes"},
      {"a\n\"b\"c\n", 2, "goes on behind its closing quote"},
      {"a\nb\n\"c\nd\n", 3, "a quote is left open"},
      {"a\n\"\"\"\n", 2, "a quote is left open"},
      {"\"a\" ,b\n", 1, "goes on behind its closing quote"},
  };
  for (const auto& each : cases) {
    const Parsed parsed = Parse(each.text);
    EXPECT_EQ(parsed.status.code(), absl::StatusCode::kInvalidArgument) << each.text;
    EXPECT_THAT(std::string(parsed.status.message()), HasSubstr(each.what));
    EXPECT_EQ(parsed.error_line, each.line) << each.text;
  }
}

TEST(CsvReaderTest, ARecordWithoutEndIsRefusedBeforeItFillsTheMemory) {
  const std::string endless(2 * CsvReader::kMaxRecordBytes, 'x');
  EXPECT_THAT(std::string(Parse(endless).status.message()), HasSubstr("is a quote left open?"));
  EXPECT_THAT(std::string(Parse(absl::StrCat("a\n\"", endless)).status.message()),
              HasSubstr("longer than 1048576 bytes"));
  std::string lines = "\"";
  while (lines.size() < 2 * CsvReader::kMaxRecordBytes) lines += "1,2,3\n";
  EXPECT_THAT(std::string(Parse(lines).status.message()), HasSubstr("longer than"));
}

TEST(CsvReaderTest, ALongRecordIsRead) {
  const std::string cell(CsvReader::kMaxRecordBytes - 10, 'x');
  EXPECT_THAT(Parse(absl::StrCat("a,", cell, "\nb,c\n")).records,
              ElementsAre(Record{"a", cell}, Record{"b", "c"}));
}

TEST(CsvReaderTest, AFailureToReadIsPassedOn) {
  CsvReader reader([](char*, size_t) -> absl::StatusOr<size_t> {
    return absl::UnavailableError("the disk is gone");
  });
  EXPECT_EQ(reader.Next().status(), absl::UnavailableError("the disk is gone"));
}

// Whatever is written is read back, in pieces of any size.
RC_GTEST_PROP(CsvProperty, WhatIsWrittenIsReadBack, ()) {
  const auto cell = rc::gen::container<std::string>(
      rc::gen::element('a', 'b', ',', '"', '\n', '\r', ' ', '\xC3', '\0'));
  const auto records =
      *rc::gen::container<std::vector<Record>>(rc::gen::nonEmpty(rc::gen::container<Record>(cell)));
  std::ostringstream text;
  CsvWriter writer(text);
  for (const Record& record : records) {
    writer.Number(7);  // no record is an empty line
    for (const std::string& each : record) writer.Text(each);
    writer.EndRecord();
  }
  writer.Flush();
  const Parsed parsed = Parse(text.str(), *rc::gen::inRange<size_t>(1, 40));
  RC_ASSERT(parsed.status.ok());
  RC_ASSERT(parsed.records.size() == records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    Record expected = records[i];
    expected.insert(expected.begin(), "7");
    RC_ASSERT(parsed.records[i] == expected);
  }
}

// However it is cut into pieces.
RC_GTEST_PROP(CsvProperty, AnyTextIsRecordsOrAnError, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::element('a', ',', ',', '"', '"', '\n', '\r', '\xEF', '\xBB', '\xBF'));
  const Parsed whole = Parse(text);
  const Parsed pieces = Parse(text, *rc::gen::inRange<size_t>(1, 5));
  RC_ASSERT(whole.status == pieces.status);
  RC_ASSERT(whole.error_line == pieces.error_line);
  RC_ASSERT(whole.records == pieces.records);
  for (const Record& record : whole.records) RC_ASSERT(!record.empty());
}

TEST(CsvWriterTest, QuotesWhatNeedsIt) {
  std::ostringstream out;
  CsvWriter writer(out);
  writer.Text("plain").Text("a,b").Text("q\"q").Text("l\nl").Text("c\rc").Text("").Number(-5);
  writer.EndRecord();
  EXPECT_EQ(out.str(), "");
  writer.Flush();
  EXPECT_EQ(out.str(), "plain,\"a,b\",\"q\"\"q\",\"l\nl\",\"c\rc\",,-5\n");
}

TEST(CsvWriterTest, NumbersHaveNoExponent) {
  std::ostringstream out;
  CsvWriter writer(out);
  writer.Number(0).Number(INT64_MAX).Number(1'000'000'000'000'000);
  writer.EndRecord();
  writer.Flush();
  EXPECT_EQ(out.str(), "0,9223372036854775807,1000000000000000\n");
}

TEST(CsvWriterTest, PassesOnWhatGathers) {
  std::ostringstream out;
  CsvWriter writer(out);
  for (int i = 0; i < 100'000; ++i) {
    writer.Number(i);
    writer.EndRecord();
  }
  EXPECT_GT(out.str().size(), 400'000u);
}

}  // namespace
}  // namespace sluice::cli
