#include "core/utf8.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "absl/strings/escaping.h"

namespace sluice {
namespace {

// The smallest and the largest character of each length, and those beside the surrogates.
TEST(Utf8Test, TellsTheLengthOfTheFirstCharacter) {
  EXPECT_EQ(Utf8Length(absl::string_view("\0", 1)), 1U);
  EXPECT_EQ(Utf8Length("\x7f!"), 1U);
  EXPECT_EQ(Utf8Length("\xc2\x80"), 2U);
  EXPECT_EQ(Utf8Length("\xdf\xbf!"), 2U);
  EXPECT_EQ(Utf8Length("\xe0\xa0\x80"), 3U);
  EXPECT_EQ(Utf8Length("\xed\x9f\xbf"), 3U);
  EXPECT_EQ(Utf8Length("\xee\x80\x80"), 3U);
  EXPECT_EQ(Utf8Length("\xef\xbf\xbf"), 3U);
  EXPECT_EQ(Utf8Length("\xf0\x90\x80\x80"), 4U);
  EXPECT_EQ(Utf8Length("\xf4\x8f\xbf\xbf!"), 4U);
}

TEST(Utf8Test, WhatIsNotUtf8HasNoLength) {
  EXPECT_EQ(Utf8Length(""), 0U);
  for (const char* bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3z", "\xe2\x82z",
        "\xf0\x9f\x98z", "\xc3", "\xe2\x82", "\xf0\x9f\x98"}) {
    EXPECT_EQ(Utf8Length(bad), 0U) << absl::CHexEscape(bad);
  }
}

TEST(Utf8Test, ATextIsValidWhenEachCharacterIs) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  EXPECT_FALSE(IsUtf8("a\xc3\xa9\x80"));
  EXPECT_FALSE(IsUtf8("\xffz"));
}

// Written the other way round, from numbers to bytes.
std::string Encoded(uint32_t code) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xc0 | (code >> 6)), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xe0 | (code >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | (code >> 18)), tail(12), tail(6), tail(0)};
}

TEST(Utf8Test, EveryCodePointButTheSurrogatesIsACharacter) {
  for (uint32_t code = 0; code <= 0x10ffff; ++code) {
    const std::string bytes = Encoded(code);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    ASSERT_EQ(Utf8Length(bytes), surrogate ? 0 : bytes.size()) << code;
  }
}

// Bytes of no text in particular: no read is out of bounds, and what is valid stays so in company.
RC_GTEST_PROP(Utf8Property, ValidTextsJoinToValidTexts, (const std::string& a)) {
  const bool valid = IsUtf8(a);
  RC_ASSERT(IsUtf8(a + "\xc3\xa9") == valid);
  RC_ASSERT(IsUtf8("\xc3\xa9" + a) == valid);
}

}  // namespace
}  // namespace sluice
