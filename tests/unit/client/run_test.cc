#include "cli/run.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/remote.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/certificates.h"

namespace sluice::cli {
namespace {

using ::envoy::service::ratelimit::v3::RateLimitRequest;
using ::envoy::service::ratelimit::v3::RateLimitResponse;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

// What a server would answer.
struct Answers {
  CallStatus status;
  v1::HitResponse hit;
  v1::CheckResponse check;
  v1::StatResponse stat;
  RateLimitResponse rls;
  v1::ShouldLimitResponse should_limit;
  v1::ResetResponse reset;
  v1::ResetAllResponse reset_all;
  v1::GetPolicyResponse policy;
  v1::ReloadPolicyResponse reload;
  v1::ExplainResponse explain;
  v1::SetOverrideResponse override;
};

class FakeRemote final : public Remote {
 public:
  explicit FakeRemote(const Answers& answers) : answers_(answers) {}

  CallStatus Call(const v1::HitRequest&, v1::HitResponse* response) override {
    return Answer(answers_.hit, response);
  }
  CallStatus Call(const v1::CheckRequest&, v1::CheckResponse* response) override {
    return Answer(answers_.check, response);
  }
  CallStatus Call(const v1::StatRequest&, v1::StatResponse* response) override {
    return Answer(answers_.stat, response);
  }
  CallStatus Call(const RateLimitRequest&, RateLimitResponse* response) override {
    return Answer(answers_.rls, response);
  }
  CallStatus Call(const v1::ShouldLimitRequest&, v1::ShouldLimitResponse* response) override {
    return Answer(answers_.should_limit, response);
  }
  CallStatus Call(const v1::ResetRequest&, v1::ResetResponse* response) override {
    return Answer(answers_.reset, response);
  }
  CallStatus Call(const v1::GetPolicyRequest&, v1::GetPolicyResponse* response) override {
    return Answer(answers_.policy, response);
  }
  CallStatus Call(const v1::ReloadPolicyRequest&, v1::ReloadPolicyResponse* response) override {
    return Answer(answers_.reload, response);
  }
  CallStatus Call(const v1::ListThrottlesRequest&, v1::ListThrottlesResponse*) override {
    ADD_FAILURE() << "no command asks this";
    return {};
  }
  CallStatus Call(const v1::ExplainRequest&, v1::ExplainResponse* response) override {
    return Answer(answers_.explain, response);
  }
  CallStatus Call(const v1::SetOverrideRequest&, v1::SetOverrideResponse* response) override {
    return Answer(answers_.override, response);
  }
  CallStatus Call(const v1::SetBreakerRequest&, v1::SetBreakerResponse* response) override {
    return Answer(v1::SetBreakerResponse(), response);
  }
  CallStatus Call(const v1::ResetAllRequest&, v1::ResetAllResponse* response) override {
    return Answer(answers_.reset_all, response);
  }

 private:
  template <class Response>
  CallStatus Answer(const Response& answer, Response* response) {
    if (answers_.status.ok()) *response = answer;
    return answers_.status;
  }

  const Answers& answers_;
};

class RunTest : public ::testing::Test {
 protected:
  RunTest() : folder_(absl::StrCat(::testing::TempDir(), "/sluicectl.XXXXXX")) {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }
  ~RunTest() override { std::filesystem::remove_all(folder_); }

  int Sluicectl(const std::vector<std::string>& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    const int exit_code = cli::Run(arguments, {out, err}, [this](const Target& target) {
      target_ = target;
      return std::make_unique<FakeRemote>(answers_);
    });
    out_ = out.str();
    err_ = err.str();
    return exit_code;
  }

  std::string WriteFile(const std::string& name, const std::string& text) {
    const std::string path = absl::StrCat(folder_, "/", name);
    std::ofstream(path) << text;
    return path;
  }

  std::string folder_;
  Answers answers_;
  Target target_;
  std::string out_;
  std::string err_;
};

TEST_F(RunTest, ExitCodeTellsTheDecision) {
  answers_.hit.set_allowed(true);
  EXPECT_EQ(Sluicectl({"hit", "x", "--id", "a"}), 0);
  EXPECT_EQ(out_, "allowed\n");
  answers_.hit.set_allowed(false);
  EXPECT_EQ(Sluicectl({"hit", "x", "--id", "a"}), 1);
  EXPECT_THAT(err_, IsEmpty());

  EXPECT_EQ(Sluicectl({"check", "x", "--id", "a"}), 1);
  answers_.check.set_allowed(true);
  EXPECT_EQ(Sluicectl({"check", "x", "--id", "a"}), 0);
}

TEST_F(RunTest, AStatIsFineWhateverItTells) {
  answers_.stat.add_results()->set_outcome(v1::OUTCOME_DENIED);
  EXPECT_EQ(Sluicectl({"stat", "x", "--id", "a"}), 0);
  EXPECT_THAT(out_, HasSubstr("denied"));
}

TEST_F(RunTest, OverLimitIsADenial) {
  answers_.rls.set_overall_code(RateLimitResponse::OK);
  EXPECT_EQ(Sluicectl({"rls", "edge", "k=v"}), 0);
  EXPECT_EQ(out_, "OK\n");
  answers_.rls.set_overall_code(RateLimitResponse::OVER_LIMIT);
  EXPECT_EQ(Sluicectl({"rls", "edge", "k=v"}), 1);
  EXPECT_EQ(out_, "OVER_LIMIT\n");
}

TEST_F(RunTest, BeingLimitedIsADenial) {
  EXPECT_EQ(Sluicectl({"should-limit", "--path", "/"}), 0);
  EXPECT_EQ(out_, "allowed\n");
  answers_.should_limit.set_should_limit(true);
  answers_.should_limit.set_http_status(429);
  answers_.should_limit.set_wait_ms(2000);
  EXPECT_EQ(Sluicectl({"should-limit", "--path", "/"}), 1);
  EXPECT_EQ(out_, "limited, answer 429, retry in 2 s\n");
}

TEST_F(RunTest, ResetsCountTheKeys) {
  answers_.reset.set_keys_reset(1);
  EXPECT_EQ(Sluicectl({"reset", "x", "--id", "a"}), 0);
  EXPECT_EQ(out_, "1 key reset\n");
  answers_.reset_all.set_keys_reset(20);
  EXPECT_EQ(Sluicectl({"reset", "x", "--all"}), 0);
  EXPECT_EQ(out_, "20 keys reset\n");
}

TEST_F(RunTest, AReloadThatFailsExitsWith1) {
  answers_.reload.set_generation(7);
  EXPECT_EQ(Sluicectl({"reload"}), 0);
  EXPECT_EQ(out_, "generation 7 decides\n");
  answers_.reload.add_errors()->set_file("policy.yaml");
  EXPECT_EQ(Sluicectl({"reload"}), 1);
  EXPECT_THAT(out_, HasSubstr("generation 7 stays\n"));
}

TEST_F(RunTest, AdminsAnswersAreFineWhateverTheyTell) {
  answers_.explain.add_rows()->set_throttle("x");
  EXPECT_EQ(Sluicectl({"explain", "x"}), 0);
  EXPECT_THAT(out_, HasSubstr("x  does not apply"));
  answers_.policy.set_stale(true);
  EXPECT_EQ(Sluicectl({"policy"}), 0);
  EXPECT_THAT(out_, HasSubstr("# stale"));
  answers_.override.mutable_override()->set_throttle("x");
  EXPECT_EQ(Sluicectl({"override", "x", "--end"}), 0);
  EXPECT_EQ(out_, "x: as the configuration has it\n");
  EXPECT_EQ(Sluicectl({"override", "x", "--end", "--output", "json"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"throttle\": \"x\""));
  EXPECT_EQ(Sluicectl({"breaker", "shared", "open"}), 0);
  EXPECT_EQ(out_, "shared: the breaker is forced open\n");
}

TEST_F(RunTest, AnUnreachableAdminIsNamedByItsOwnAddress) {
  answers_.status.code = absl::StatusCode::kUnavailable;
  answers_.status.unreachable = true;
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"reload"},
                                             {"policy"},
                                             {"explain"},
                                             {"override", "x", "--end"},
                                             {"breaker", "x", "open"},
                                             {"reset", "x", "--all"}}) {
    EXPECT_EQ(Sluicectl(arguments), 2);
    EXPECT_THAT(err_, HasSubstr("cannot reach 127.0.0.1:8082")) << arguments.front();
  }
  EXPECT_EQ(Sluicectl({"reset", "x", "--id", "a"}), 2);
  EXPECT_THAT(err_, HasSubstr("cannot reach 127.0.0.1:8081"));
}

constexpr char kExplained[] =
    "tenants: {acme: {namespace: a}}\n"
    "throttles:\n"
    "  - uid: health\n"
    "    rate: 5/s\n"
    "    rules: [{bypass: {path: /health}}]\n"
    "  - uid: paid\n"
    "    rate: {by: plan, values: {pro: 100/s}, default: 1/s}\n"
    "    cost: {by: method, values: {POST: 3}, default: 1}\n"
    "    identifier: \"{header.x-user}\"\n"
    "    exempt: [{role: {in: [ops]}}]\n"
    "  - {uid: internal, rate: 1/s, gateway: false}\n";

TEST_F(RunTest, ExplainsAGatewaysRequestFromAFile) {
  const std::string file = WriteFile("p.yaml", kExplained);
  EXPECT_EQ(Sluicectl({"explain", "--method", "POST", "--path", "/health?deep", "--header",
                       "X-User=alice", "--context", "plan=pro", "--config", file}),
            0)
      << err_;
  const std::string expected =
      "health  does not apply: a rule bypasses it        FILE:3\n"
      "  rule        bypass: {path: /health}             FILE:5\n"
      "paid  applies                                     FILE:6\n"
      "  cost        3      method is POST               FILE:8\n"
      "  identifier  alice  {header.x-user}              FILE:9\n"
      "  rate        100/s  plan is pro                  FILE:7\n"
      "  tenant      default\n"
      "  backend     local  default\n"
      "  key         {::alice}:paid:fixed_window.1.1s.1us\n"
      "internal  does not apply: it is not for gateways  FILE:11\n";
  EXPECT_EQ(absl::StrReplaceAll(out_, {{file, "FILE"}}), expected);
  EXPECT_EQ(target_.address, "") << "no server is asked";
}

TEST_F(RunTest, ExplainsAHitFromAFile) {
  const std::string file = WriteFile("p.yaml", kExplained);
  const std::vector<std::string> question = {
      "explain", "paid",     "health", "--context", "role=ops",  "--id",     "bob", "--cost",
      "7",       "--tenant", "acme",   "--path",    "/health/x", "--config", file};
  EXPECT_EQ(Sluicectl(question), 0) << err_;
  EXPECT_EQ(absl::StrReplaceAll(out_, {{file, "FILE"}}),
            "paid  does not apply: the caller is exempt  FILE:6\n"
            "  exemption  {role: {in: [ops]}}            FILE:10\n"
            "  cost       7     the request\n"
            "  tenant     acme  the request\n"
            "health  does not apply: a rule bypasses it  FILE:3\n"
            "  rule       bypass: {path: /health}        FILE:5\n"
            "  tenant     acme  the request\n");
  std::vector<std::string> as_json = question;
  as_json.insert(as_json.end(), {"--output", "json"});
  EXPECT_EQ(Sluicectl(as_json), 0);
  EXPECT_THAT(out_, HasSubstr("\"reason\": \"the caller is exempt\""));
  EXPECT_THAT(out_, HasSubstr("\"config_generation\": \"1\""));
}

TEST_F(RunTest, WhatTheFileDoesNotKnowIsAnError) {
  const std::string file = WriteFile("p.yaml", kExplained);
  EXPECT_EQ(Sluicectl({"explain", "none", "--config", file}), 2);
  EXPECT_THAT(err_, HasSubstr("sluicectl: NOT_FOUND: no throttle 'none' ("));
  EXPECT_EQ(Sluicectl({"explain", "--tenant", "t", "--config", file}), 2);
  EXPECT_THAT(err_, HasSubstr("sluicectl: NOT_FOUND: no tenant 't' ("));
  EXPECT_THAT(out_, IsEmpty());
}

TEST_F(RunTest, PrintsThePolicyOfAFile) {
  const std::string file = WriteFile("p.yaml", kExplained);
  EXPECT_EQ(Sluicectl({"policy", "--config", file}), 0) << err_;
  EXPECT_THAT(out_, MatchesRegex("# generation: 1\n# hash: [0-9a-f]+\n[a-z](.|\n)*"));
  EXPECT_THAT(out_, HasSubstr("uid: internal"));
  // What it prints is a configuration again.
  EXPECT_EQ(Sluicectl({"validate", WriteFile("again.yaml", out_)}), 0) << out_;
}

TEST_F(RunTest, AFileThatDoesNotLoadIsAnError) {
  const std::string bad = WriteFile("bad.yaml", "throttles:\n  - {uid: a, rate: 5/fortnight}\n");
  for (const std::string command : {"explain", "policy"}) {
    EXPECT_EQ(Sluicectl({command, "--config", bad}), 2);
    EXPECT_THAT(err_, MatchesRegex(absl::StrCat("sluicectl: --config: ", bad, " does not load:\n",
                                                bad, ":2:20: [^\n]*fortnight[^\n]*\n")));
    EXPECT_THAT(out_, IsEmpty());
  }
}

TEST_F(RunTest, JsonSaysFalse) {
  EXPECT_EQ(Sluicectl({"--output", "json", "hit", "x", "--id", "a"}), 1);
  EXPECT_THAT(out_, HasSubstr("\"allowed\": false"));
}

TEST_F(RunTest, DialsWhereAndAsLongAsTold) {
  EXPECT_EQ(Sluicectl({"--admin-addr", "h:2", "hit", "x", "--id", "a", "--addr", "h:1", "--timeout",
                       "2s"}),
            1);
  EXPECT_EQ(target_.address, "h:1");
  EXPECT_EQ(target_.admin_address, "h:2");
  EXPECT_EQ(target_.timeout_us, 2'000'000);
  EXPECT_FALSE(target_.tls.has_value());

  const std::string ca = CertificateAuthority("Test CA").certificate();
  EXPECT_EQ(Sluicectl({"hit", "x", "--id", "a", "--tls-ca", WriteFile("ca.pem", ca)}), 1);
  ASSERT_TRUE(target_.tls.has_value());
  EXPECT_EQ(target_.tls->ca, ca);
}

TEST_F(RunTest, AnErrorGoesToStandardErrorAlone) {
  answers_.status.code = absl::StatusCode::kNotFound;
  answers_.status.message = "no throttle 'x'";
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"hit", "x", "--id", "a"}, {"stat", "x", "--id", "a"}, {"rls", "edge", "k=v"}}) {
    EXPECT_EQ(Sluicectl(arguments), 2);
    EXPECT_EQ(err_, "sluicectl: NOT_FOUND: no throttle 'x'\n");
    EXPECT_THAT(out_, IsEmpty());
  }
}

TEST_F(RunTest, UsageGoesToStandardErrorAndHelpToStandardOutput) {
  EXPECT_EQ(Sluicectl({"hit"}), 2);
  EXPECT_THAT(err_, HasSubstr("THROTTLE is required"));
  EXPECT_THAT(out_, IsEmpty());
  EXPECT_EQ(Sluicectl({"--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("Usage: sluicectl"));
  EXPECT_THAT(err_, IsEmpty());
}

TEST_F(RunTest, ValidateCountsWhatIsRight) {
  const std::string file = WriteFile("good.yaml",
                                     "throttles:\n"
                                     "  - {uid: a, rate: 5/s}\n"
                                     "  - {uid: b, rate: 7/min}\n");
  EXPECT_EQ(Sluicectl({"validate", file}), 0) << out_;
  EXPECT_EQ(out_, absl::StrCat(file, ": ok, 2 throttles, 0 domains\n"));
  EXPECT_EQ(Sluicectl({"validate", file, "--output", "json"}), 0);
  EXPECT_EQ(out_, "{\n \"errors\": [],\n \"warnings\": []\n}\n");
}

TEST_F(RunTest, ValidateWarnsAndIsFineAllTheSame) {
  const std::string file = WriteFile(
      "log.yaml",
      "throttles: [{uid: a, rate: 5/s, strategy: {type: sliding_window_log, max_entries: 4}}]\n");
  EXPECT_EQ(Sluicectl({"validate", file}), 0);
  EXPECT_THAT(out_, HasSubstr(absl::StrCat(file, ":1:13: warning: sliding_window_log: ")));
  EXPECT_THAT(out_, HasSubstr(": ok, 1 throttles, 0 domains\n"));
  EXPECT_EQ(Sluicectl({"validate", file, "--output", "json"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"message\": \"warning: sliding_window_log: "));
}

TEST_F(RunTest, ValidatePlacesEveryErrorOfEveryFile) {
  const std::string good = WriteFile("good.yaml", "throttles: [{uid: a, rate: 5/s}]\n");
  const std::string bad = WriteFile("bad.yaml",
                                    "throttles:\n"
                                    "  - uid: a\n"
                                    "    rate: 5/fortnight\n"
                                    "    colour: red\n");
  EXPECT_EQ(Sluicectl({"validate", bad, good}), 1);
  EXPECT_THAT(out_, MatchesRegex(absl::StrCat(bad, ":3:11: [^\n]*fortnight[^\n]*\n",  //
                                              bad, ":4:5: [^\n]*colour[^\n]*\n",      //
                                              good, ": ok, 1 throttles, 0 domains\n")));
  EXPECT_EQ(Sluicectl({"validate", bad, "--output", "json"}), 1);
  EXPECT_THAT(out_, HasSubstr("\"line\": 3,\n   \"column\": 11,"));
  EXPECT_THAT(out_, HasSubstr("\"line\": 4,\n   \"column\": 5,"));
}

}  // namespace
}  // namespace sluice::cli
