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

TEST(CommandLineTest, ShouldLimitHasEveryFlag) {
  const auto request = RequestOf<v1::ShouldLimitRequest>(
      {"should-limit", "--method",  "GET",      "--path",    "/x",
       "--id",         "alice",     "--header", "X-Key=a=b", "--remote-address",
       "10.0.0.1",     "--cost",    "2",        "--costs",   "x=3",
       "--context",    "tier=gold", "--tenant", "acme",      "--dry-run"});
  EXPECT_EQ(request.method(), "GET");
  EXPECT_EQ(request.path(), "/x");
  EXPECT_EQ(request.identifier(), "alice");
  EXPECT_THAT(request.headers(), ElementsAre(Pair("x-key", "a=b")));
  EXPECT_EQ(request.remote_address(), "10.0.0.1");
  EXPECT_EQ(request.cost(), 2u);
  EXPECT_THAT(request.costs(), ElementsAre(Pair("x", 3)));
  EXPECT_THAT(request.context(), ElementsAre(Pair("tier", "gold")));
  EXPECT_EQ(request.tenant(), "acme");
  EXPECT_TRUE(request.dry_run());
  EXPECT_FALSE(RequestOf<v1::ShouldLimitRequest>({"should-limit"}).has_cost());
}

TEST(CommandLineTest, ExplainsAGatewaysRequestUnlessThrottlesAreNamed) {
  const std::vector<std::string> flags = {"--method",  "GET",      "--path",           "/x",
                                          "--header",  "X-Key=k",  "--remote-address", "10.0.0.1",
                                          "--context", "path=/no", "--context",        "tier=gold",
                                          "--id",      "alice",    "--cost",           "2"};
  std::vector<std::string> gateway = flags;
  gateway.insert(gateway.begin(), "explain");
  const auto asked = RequestOf<v1::ExplainRequest>(gateway);
  ASSERT_TRUE(asked.has_should_limit());
  EXPECT_EQ(asked.should_limit().path(), "/x");
  EXPECT_THAT(asked.should_limit().headers(), ElementsAre(Pair("x-key", "k")));

  std::vector<std::string> named = flags;
  named.insert(named.begin(), {"explain", "a", "b"});
  const auto hit = RequestOf<v1::ExplainRequest>(named);
  ASSERT_TRUE(hit.has_hit());
  EXPECT_THAT(hit.hit().throttles(), ElementsAre("a", "b"));
  EXPECT_EQ(hit.hit().identifier(), "alice");
  EXPECT_EQ(hit.hit().cost(), 2u);
  EXPECT_THAT(hit.hit().context(),
              UnorderedElementsAre(Pair("method", "GET"), Pair("path", "/x"),
                                   Pair("remote_address", "10.0.0.1"), Pair("header.x-key", "k"),
                                   Pair("tier", "gold")));
}

TEST(CommandLineTest, ConfigIsForExplainAndPolicy) {
  EXPECT_EQ(CommandOf({"explain", "--config", "p.yaml"}).config, "p.yaml");
  EXPECT_EQ(CommandOf({"policy", "--config", "p.yaml"}).config, "p.yaml");
  EXPECT_EQ(CommandOf({"policy"}).config, "");
  EXPECT_THAT(NoticeOf({"reload", "--config", "p.yaml"}).text, HasSubstr("--config"));
}

TEST(CommandLineTest, ResetsOneIdentifierOrAll) {
  const auto one = RequestOf<v1::ResetRequest>(
      {"reset", "a", "b", "--id", "alice", "--context", "scope=web", "--tenant", "acme"});
  EXPECT_THAT(one.throttles(), ElementsAre("a", "b"));
  EXPECT_EQ(one.identifier(), "alice");
  EXPECT_THAT(one.context(), ElementsAre(Pair("scope", "web")));
  EXPECT_EQ(one.tenant(), "acme");

  const auto throttle = RequestOf<v1::ResetAllRequest>({"reset", "a", "--all"});
  EXPECT_EQ(throttle.throttle(), "a");
  EXPECT_EQ(throttle.tenant(), "");
  const auto tenant = RequestOf<v1::ResetAllRequest>({"reset", "--all", "--tenant", "acme"});
  EXPECT_EQ(tenant.throttle(), "");
  EXPECT_EQ(tenant.tenant(), "acme");
}

TEST(CommandLineTest, OverridesForAWhile) {
  const auto all = RequestOf<v1::SetOverrideRequest>(
      {"override", "api:burst", "--enabled", "true", "--shadow", "false", "--rate",
       "100 per minute", "--cost", "0", "--for", "90s", "--admin-addr", "h:2"});
  EXPECT_EQ(all.override().throttle(), "api:burst");
  EXPECT_TRUE(all.override().enabled());
  EXPECT_TRUE(all.override().has_shadow());
  EXPECT_FALSE(all.override().shadow());
  EXPECT_EQ(all.override().rate(), "100/min");
  EXPECT_TRUE(all.override().has_cost());
  EXPECT_EQ(all.duration().seconds(), 90);

  const auto some =
      RequestOf<v1::SetOverrideRequest>({"override", "*", "--shadow", "true", "--for", "1500ms"});
  EXPECT_EQ(some.override().throttle(), "*");
  EXPECT_FALSE(some.override().has_enabled());
  EXPECT_FALSE(some.override().has_rate());
  EXPECT_FALSE(some.override().has_cost());
  EXPECT_EQ(some.duration().seconds(), 1);
  EXPECT_EQ(some.duration().nanos(), 500'000'000);

  const auto end = RequestOf<v1::SetOverrideRequest>({"override", "*", "--end"});
  EXPECT_EQ(end.duration().seconds(), 0);
  EXPECT_FALSE(end.override().has_shadow());
}

TEST(CommandLineTest, ForcesABreaker) {
  const auto open =
      RequestOf<v1::SetBreakerRequest>({"breaker", "shared", "open", "--admin-addr", "h:2"});
  EXPECT_EQ(open.backend(), "shared");
  EXPECT_EQ(open.state(), v1::SetBreakerRequest::STATE_OPEN);
  EXPECT_EQ(RequestOf<v1::SetBreakerRequest>({"breaker", "x", "closed"}).state(),
            v1::SetBreakerRequest::STATE_CLOSED);
  EXPECT_EQ(RequestOf<v1::SetBreakerRequest>({"breaker", "x", "automatic"}).state(),
            v1::SetBreakerRequest::STATE_AUTOMATIC);
}

TEST(CommandLineTest, ReloadAndPolicyAskForNothingMore) {
  RequestOf<v1::ReloadPolicyRequest>({"reload"});
  RequestOf<v1::GetPolicyRequest>({"policy"});
  EXPECT_EQ(CommandOf({"reload", "--admin-addr", "h:2"}).admin_address, "h:2");
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
      {{"should-limit", "--header", "k"}, "sluicectl should-limit: --header: 'k' is not k=v"},
      {{"should-limit", "--header", "K=1", "--header", "k=2"},
       "sluicectl should-limit: --header: 'k=2' gives a key that was given before"},
      {{"should-limit", "--path", "\xFF"}, "sluicectl should-limit: --path: is not valid UTF-8"},
      {{"explain", "--cost", "x"}, "sluicectl explain: --cost: 'x' is not a whole"},
      {{"reset"}, "sluicectl reset: THROTTLE is required (or --all"},
      {{"reset", "x"}, "sluicectl reset: --id is required (or --all"},
      {{"reset", "x", "--all", "--id", "a"}, "sluicectl reset: --all and --id exclude each other"},
      {{"reset", "x", "--all", "--context", "a=b"},
       "sluicectl reset: --context: says nothing with"},
      {{"reset", "x", "y", "--all"}, "sluicectl reset: --all takes one THROTTLE"},
      {{"reset", "--all"}, "sluicectl reset: --all needs a THROTTLE, --tenant T or both"},
      {{"override"}, "sluicectl override: THROTTLE is required\n"},
      {{"override", "x"}, "sluicectl override: --for is required, such as --for 10m (or --end"},
      {{"override", "x", "--for", "10m"}, "sluicectl override: nothing is changed (give --enabled"},
      {{"override", "x", "--cost", "1", "--for", "soon"}, "sluicectl override: --for: "},
      {{"override", "x", "--cost", "1", "--for", "0s"}, "sluicectl override: --for: must be above"},
      {{"override", "x", "--cost", "1", "--for", "367d"}, "sluicectl override: --for: must be at"},
      {{"override", "x", "--rate", "much", "--for", "1m"}, "sluicectl override: --rate: "},
      {{"override", "x", "--shadow", "maybe", "--for", "1m"}, "sluicectl override: --shadow: "},
      {{"override", "x", "--cost", "4503599627370497", "--for", "1m"},
       "sluicectl override: --cost: '4503599627370497' is not a whole number from 0 to 45"},
      {{"override", "x", "--end", "--for", "1m"}, "sluicectl override: --end stands alone"},
      {{"override", "x", "--end", "--cost", "1"}, "sluicectl override: --end stands alone"},
      {{"breaker"}, "sluicectl breaker: BACKEND is required\n"},
      {{"breaker", "x"}, "sluicectl breaker: STATE is required\n"},
      {{"breaker", "x", "half"}, "sluicectl breaker: STATE: half not in"},
      {{"breaker", "\xFF", "open"}, "sluicectl breaker: BACKEND: is not valid UTF-8"},
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
  for (const char* command :
       {"hit", "check", "stat", "should-limit", "rls", "reset", "explain", "policy", "reload",
        "override", "breaker", "validate", "Exit codes: 0 "}) {
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
