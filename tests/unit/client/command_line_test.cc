#include "cli/command_line.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::cli {
namespace {

using ::envoy::service::ratelimit::v3::RateLimitRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

Command CommandOf(const std::vector<std::string>& arguments) {
  const auto parsed = ParseCommandLine(arguments);
  const Notice* notice = absl::get_if<Notice>(&parsed);
  EXPECT_EQ(notice, nullptr) << notice->text;
  return notice == nullptr ? absl::get<Command>(parsed) : Command();
}

template <class Request>
Request RequestOf(const std::vector<std::string>& arguments) {
  const Command command = CommandOf(arguments);
  const Request* request = absl::get_if<Request>(&command.ask);
  EXPECT_NE(request, nullptr);
  return request == nullptr ? Request() : *request;
}

Notice NoticeOf(const std::vector<std::string>& arguments) {
  const auto parsed = ParseCommandLine(arguments);
  const Notice* notice = absl::get_if<Notice>(&parsed);
  EXPECT_NE(notice, nullptr);
  return notice == nullptr ? Notice() : *notice;
}

TEST(CommandLineTest, HitHasEveryFlag) {
  const auto request = RequestOf<v1::HitRequest>(
      {"hit", "api:burst", "api:daily", "--id", "alice", "--cost", "3", "--costs", "api:daily=900",
       "--context", "tier=gold", "--context", "q=a=b", "--tenant", "acme", "--detail", "full"});
  EXPECT_THAT(request.throttles(), ElementsAre("api:burst", "api:daily"));
  EXPECT_EQ(request.identifier(), "alice");
  EXPECT_EQ(request.cost(), 3u);
  EXPECT_THAT(request.costs(), ElementsAre(Pair("api:daily", 900)));
  EXPECT_THAT(request.context(), UnorderedElementsAre(Pair("tier", "gold"), Pair("q", "a=b")));
  EXPECT_EQ(request.tenant(), "acme");
  EXPECT_EQ(request.detail(), v1::DETAIL_FULL);
}

TEST(CommandLineTest, FlagsMayStandBeforeTheThrottles) {
  const auto request = RequestOf<v1::CheckRequest>(
      {"check", "--context", "a=b", "--costs", "x=1", "--id", "alice", "x", "y"});
  EXPECT_THAT(request.throttles(), ElementsAre("x", "y"));
  EXPECT_THAT(request.context(), ElementsAre(Pair("a", "b")));
}

TEST(CommandLineTest, CostZeroIsNotNoCost) {
  EXPECT_FALSE(RequestOf<v1::HitRequest>({"hit", "x", "--id", "a"}).has_cost());
  const auto look = RequestOf<v1::HitRequest>({"hit", "x", "--id", "a", "--cost", "0"});
  EXPECT_TRUE(look.has_cost());
  EXPECT_EQ(look.cost(), 0u);
}

TEST(CommandLineTest, AnEmptyIdentifierIsOne) {
  EXPECT_EQ(RequestOf<v1::StatRequest>({"stat", "x", "--id", ""}).identifier(), "");
}

TEST(CommandLineTest, DetailDependsOnTheOutputUnlessGiven) {
  EXPECT_EQ(RequestOf<v1::HitRequest>({"hit", "x", "--id", "a"}).detail(), v1::DETAIL_STAT);
  EXPECT_EQ(RequestOf<v1::HitRequest>({"hit", "x", "--id", "a", "--output", "json"}).detail(),
            v1::DETAIL_FULL);
  EXPECT_EQ(RequestOf<v1::HitRequest>({"hit", "x", "--id", "a", "--detail", "decision"}).detail(),
            v1::DETAIL_DECISION);
}

TEST(CommandLineTest, ServerAndOutputStandBeforeOrAfterTheCommand) {
  const std::vector<std::vector<std::string>> spellings = {
      {"--addr", "h:1", "--output", "json", "--timeout", "250ms", "stat", "x", "--id", "a"},
      {"stat", "x", "--id", "a", "--addr", "h:1", "--output", "json", "--timeout", "250ms"},
      {"--addr=h:1", "stat", "--output=json", "x", "--id=a", "--timeout=250ms"}};
  for (const auto& arguments : spellings) {
    const Command command = CommandOf(arguments);
    EXPECT_EQ(command.address, "h:1");
    EXPECT_EQ(command.output, Output::kJson);
    EXPECT_EQ(command.timeout_us, 250'000);
  }
}

TEST(CommandLineTest, HasDefaults) {
  const Command command = CommandOf({"stat", "x", "--id", "a"});
  EXPECT_EQ(command.address, "127.0.0.1:8081");
  EXPECT_EQ(command.admin_address, "127.0.0.1:8082");
  EXPECT_FALSE(command.tls.has_value());
  EXPECT_EQ(command.output, Output::kTable);
  EXPECT_EQ(command.timeout_us, 1'000'000);
}

TEST(CommandLineTest, RlsHasADescriptorAnArgument) {
  const auto request = RequestOf<RateLimitRequest>(
      {"rls", "edge", "remote_address=10.0.0.1", "path=/a\\,b,method=GET", "--hits", "7"});
  EXPECT_EQ(request.domain(), "edge");
  EXPECT_EQ(request.hits_addend(), 7u);
  ASSERT_EQ(request.descriptors_size(), 2);
  EXPECT_EQ(request.descriptors(0).entries(0).value(), "10.0.0.1");
  ASSERT_EQ(request.descriptors(1).entries_size(), 2);
  EXPECT_EQ(request.descriptors(1).entries(0).value(), "/a,b");
  EXPECT_EQ(request.descriptors(1).entries(1).key(), "method");
}

TEST(CommandLineTest, ValidateTakesFiles) {
  const std::string file = std::string(SLUICE_SOURCE_DIR) + "/CMakeLists.txt";
  const Command command = CommandOf({"validate", file, file});
  EXPECT_THAT(absl::get<Validation>(command.ask).files, ElementsAre(file, file));
}

TEST(CommandLineTest, UsageErrorsSayWhatAndWhereThereIsHelp) {
  const struct {
    std::vector<std::string> arguments;
    std::string says;
  } cases[] = {
      {{}, "sluicectl: a command is required\n"},
      {{"hti", "x"}, "sluicectl: unknown command 'hti' (did you mean hit?)\n"},
      {{"--adr", "x"}, "sluicectl: unknown option '--adr'\n"},
      {{"hit", "--id", "a"}, "sluicectl hit: THROTTLE is required\n"},
      {{"hit", "x"}, "sluicectl hit: --id is required\n"},
      {{"hit", "x", "--id", "a", "--cost", "-1"}, "sluicectl hit: --cost: '-1' is not a whole"},
      {{"hit", "x", "--id", "a", "--costs", "x"}, "sluicectl hit: --costs: 'x' is not THROTTLE=N"},
      {{"hit", "x", "--id", "a", "--context", "k"}, "sluicectl hit: --context: 'k' is not k=v"},
      {{"hit", "x", "--id", "\xFF"}, "sluicectl hit: --id: is not valid UTF-8"},
      {{"hit", "x", "--id", "a", "--detail", "all"}, "sluicectl hit: --detail: all not in"},
      {{"stat", "x", "--id", "a", "--output", "xml"}, "sluicectl stat: --output: xml not in"},
      {{"check", "x", "--id", "a", "--timeout", "5"}, "sluicectl check: --timeout: "},
      {{"check", "x", "--id", "a", "--timeout", "0s"}, "sluicectl check: --timeout: must be above"},
      {{"hit", "x", "--id", "a", "--tls-cert", "c.pem"},
       "sluicectl hit: --tls-cert and --tls-key go together\n"},
      {{"hit", "x", "--id", "a", "--tls-ca", "no-such-file"},
       "sluicectl hit: --tls-ca: no-such-file: the file cannot be read: No such file"},
      {{"rls", "edge"}, "sluicectl rls: DESCRIPTOR is required\n"},
      {{"rls", "edge", "key"}, "sluicectl rls: DESCRIPTOR: 'key' is not k=v"},
      {{"rls", "edge", "k=v", "--hits", "4294967296"}, "sluicectl rls: --hits: '4294967296' is"},
      {{"validate"}, "sluicectl validate: FILE is required\n"},
      {{"validate", "no-such-file"}, "sluicectl validate: FILE: File does not exist"},
  };
  for (const auto& [arguments, says] : cases) {
    const Notice notice = NoticeOf(arguments);
    EXPECT_EQ(notice.exit_code, 2) << says;
    EXPECT_THAT(notice.text, StartsWith(says));
    EXPECT_THAT(notice.text, HasSubstr("\nTry 'sluicectl"));
  }
}

TEST(CommandLineTest, HelpAndVersionAreFine) {
  const Notice help = NoticeOf({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* command : {"hit", "check", "stat", "rls", "validate", "Exit codes: 0 "}) {
    EXPECT_THAT(help.text, HasSubstr(command));
  }
  const Notice hit = NoticeOf({"hit", "--help"});
  EXPECT_EQ(hit.exit_code, 0);
  EXPECT_THAT(hit.text, HasSubstr("Usage: sluicectl hit [OPTIONS] THROTTLE..."));
  for (const char* option :
       {"--id", "--cost", "--costs", "--context", "--tenant", "--detail", "--addr", "--timeout",
        "--tls-ca", "--tls-cert", "--tls-key", "--output"}) {
    EXPECT_THAT(hit.text, HasSubstr(option));
  }
  const Notice version = NoticeOf({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.text, ::testing::MatchesRegex("sluicectl [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

}  // namespace
}  // namespace sluice::cli
