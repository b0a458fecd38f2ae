#include "cli/arguments.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "tests/fakes/certificates.h"

namespace sluice::cli {
namespace {

using ::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using Entries = std::vector<std::pair<std::string, std::string>>;

Entries EntriesOf(const RateLimitDescriptor& descriptor) {
  Entries entries;
  for (const auto& entry : descriptor.entries()) entries.emplace_back(entry.key(), entry.value());
  return entries;
}

Entries Parsed(absl::string_view argument) {
  const auto descriptor = ParseDescriptor(argument);
  EXPECT_TRUE(descriptor.ok()) << descriptor.status();
  return descriptor.ok() ? EntriesOf(*descriptor) : Entries();
}

TEST(ParseDescriptorTest, EntriesKeepTheirOrder) {
  EXPECT_THAT(Parsed("path=/login,method=POST"),
              ElementsAre(Pair("path", "/login"), Pair("method", "POST")));
}

TEST(ParseDescriptorTest, SplitsAtTheFirstEqualsSign) {
  EXPECT_THAT(Parsed("query=a=b&c=d"), ElementsAre(Pair("query", "a=b&c=d")));
  EXPECT_THAT(Parsed("empty="), ElementsAre(Pair("empty", "")));
}

TEST(ParseDescriptorTest, ABackslashEscapesACommaOrABackslash) {
  EXPECT_THAT(Parsed(R"(list=a\,b,next=c)"), ElementsAre(Pair("list", "a,b"), Pair("next", "c")));
  EXPECT_THAT(Parsed(R"(dir=C:\,x=y)"), ElementsAre(Pair("dir", "C:,x=y")));
  EXPECT_THAT(Parsed(R"(dir=C:\\,x=y)"), ElementsAre(Pair("dir", "C:\\"), Pair("x", "y")));
  EXPECT_THAT(Parsed(R"(dir=C:\temp\)"), ElementsAre(Pair("dir", "C:\\temp\\")));
}

TEST(ParseDescriptorTest, TakesAnyBytes) {
  EXPECT_THAT(Parsed("ua=\xFF\x01"), ElementsAre(Pair("ua", "\xFF\x01")));
}

TEST(ParseDescriptorTest, NamesTheEntryThatIsWrong) {
  for (const auto& [argument, entry] :
       Entries{{"", "''"}, {"key", "'key'"}, {"=v", "'=v'"}, {"a=b,", "''"}, {"a=b,c", "'c'"}}) {
    const auto descriptor = ParseDescriptor(argument);
    ASSERT_FALSE(descriptor.ok()) << argument;
    EXPECT_EQ(descriptor.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(descriptor.status().message()),
                HasSubstr(entry + " lacks a key or '='"));
  }
}

RC_GTEST_PROP(FormatDescriptorTest, IsTheInverseOfParsing, ()) {
  const auto key = rc::gen::suchThat<std::string>(
      [](const std::string& text) { return !text.empty() && text.find('=') == std::string::npos; });
  const auto entries = *rc::gen::nonEmpty(
      rc::gen::container<Entries>(rc::gen::pair(key, rc::gen::arbitrary<std::string>())));
  RateLimitDescriptor descriptor;
  for (const auto& [name, value] : entries) {
    auto* entry = descriptor.add_entries();
    entry->set_key(name);
    entry->set_value(value);
  }
  const auto parsed = ParseDescriptor(FormatDescriptor(descriptor));
  RC_ASSERT(parsed.ok());
  RC_ASSERT(EntriesOf(*parsed) == entries);
}

TEST(ParseContextTest, SplitsAtTheFirstEqualsSign) {
  const std::vector<std::string> arguments = {"tier=gold", "q=a=b", "empty="};
  const auto context = ParseContext(arguments);
  ASSERT_TRUE(context.ok()) << context.status();
  EXPECT_THAT(*context,
              UnorderedElementsAre(Pair("tier", "gold"), Pair("q", "a=b"), Pair("empty", "")));
  EXPECT_THAT(*ParseContext({}), IsEmpty());
}

TEST(ParseContextTest, RefusesWhatHasNoKeyAndAKeyGivenTwice) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"tier"}, {"=gold"}, {""}, {"a=1", "a=2"}}) {
    EXPECT_FALSE(ParseContext(arguments).ok()) << arguments.back();
  }
}

TEST(ParseHeadersTest, NamesAreLowerCaseAndComeOnce) {
  const std::vector<std::string> arguments = {"X-Api-Key=Secret=1", "accept="};
  const auto headers = ParseHeaders(arguments);
  ASSERT_TRUE(headers.ok()) << headers.status();
  EXPECT_THAT(*headers, UnorderedElementsAre(Pair("x-api-key", "Secret=1"), Pair("accept", "")));
  EXPECT_FALSE(ParseHeaders(std::vector<std::string>{"Accept=a", "accept=b"}).ok());
  EXPECT_FALSE(ParseHeaders(std::vector<std::string>{"accept: a"}).ok());
}

TEST(ParseCostsTest, SplitsAtTheLastEqualsSign) {
  const std::vector<std::string> arguments = {"llm:tokens=900", "odd=uid=2", "free=0"};
  const auto costs = ParseCosts(arguments);
  ASSERT_TRUE(costs.ok()) << costs.status();
  EXPECT_THAT(*costs,
              UnorderedElementsAre(Pair("llm:tokens", 900), Pair("odd=uid", 2), Pair("free", 0)));
}

TEST(ParseCostsTest, RefusesWhatIsNoCount) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"a"}, {"=1"}, {"a="}, {"a=-1"}, {"a=1.5"}, {"a= 1"}, {"a=1", "a=1"}}) {
    EXPECT_FALSE(ParseCosts(arguments).ok()) << arguments.back();
  }
}

TEST(ParseCountTest, ReachesItsBoundAndNoFurther) {
  EXPECT_EQ(*ParseCount("18446744073709551615"), UINT64_MAX);
  EXPECT_FALSE(ParseCount("18446744073709551616").ok());
  EXPECT_EQ(*ParseCount("4294967295", UINT32_MAX), UINT32_MAX);
  EXPECT_FALSE(ParseCount("4294967296", UINT32_MAX).ok());
  EXPECT_FALSE(ParseCount("+1").ok());
  EXPECT_FALSE(ParseCount("0x10").ok());
}

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() : folder_(absl::StrCat(::testing::TempDir(), "/sluicectl-tls.XXXXXX")) {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }
  ~TlsTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) const {
    const std::string path = absl::StrCat(folder_, "/", name);
    std::ofstream(path) << text;
    return path;
  }

  std::string folder_;
  const CertificateAuthority authority_{"Test CA"};
  const Identity identity_ = authority_.Issue("ops");
};

TEST_F(TlsTest, ReadsWhatIsNamed) {
  const std::string ca = Write("ca", authority_.certificate());
  const auto all = ReadTls(ca, Write("cert", identity_.certificate), Write("key", identity_.key));
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_TRUE(all->has_value());
  EXPECT_EQ((*all)->ca, authority_.certificate());
  EXPECT_EQ((*all)->certificate, identity_.certificate);
  EXPECT_EQ((*all)->key, identity_.key);

  const auto alone = ReadTls(ca, "", "");
  ASSERT_TRUE(alone.ok() && alone->has_value());
  EXPECT_EQ((*alone)->certificate, "");
  EXPECT_EQ(*ReadTls("", "", ""), absl::nullopt);
}

TEST_F(TlsTest, RefusesWhatWouldNotWork) {
  const std::string cert = Write("cert", identity_.certificate);
  const std::string other = Write("other", authority_.Issue("other").key);
  EXPECT_THAT(std::string(ReadTls("", "", other).status().message()), HasSubstr("go together"));
  EXPECT_EQ(ReadTls("", cert, other).status().message(),
            absl::StrCat("--tls-key: ", other, ": the key does not belong to the certificate"));
  EXPECT_EQ(ReadTls(other, "", "").status().message(),
            absl::StrCat("--tls-ca: ", other, ": the file has no certificate in PEM"));
}

}  // namespace
}  // namespace sluice::cli
