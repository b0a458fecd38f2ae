#include "cli/run.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
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
  CallStatus Call(const v1::ShouldLimitRequest&, v1::ShouldLimitResponse*) override {
    return NotAsked();
  }
  CallStatus Call(const v1::ResetRequest&, v1::ResetResponse*) override { return NotAsked(); }
  CallStatus Call(const v1::GetPolicyRequest&, v1::GetPolicyResponse*) override {
    return NotAsked();
  }
  CallStatus Call(const v1::ReloadPolicyRequest&, v1::ReloadPolicyResponse*) override {
    return NotAsked();
  }
  CallStatus Call(const v1::ListThrottlesRequest&, v1::ListThrottlesResponse*) override {
    return NotAsked();
  }
  CallStatus Call(const v1::ExplainRequest&, v1::ExplainResponse*) override { return NotAsked(); }
  CallStatus Call(const v1::SetOverrideRequest&, v1::SetOverrideResponse*) override {
    return NotAsked();
  }
  CallStatus Call(const v1::ResetAllRequest&, v1::ResetAllResponse*) override { return NotAsked(); }

 private:
  template <class Response>
  CallStatus Answer(const Response& answer, Response* response) {
    if (answers_.status.ok()) *response = answer;
    return answers_.status;
  }

  static CallStatus NotAsked() {
    ADD_FAILURE() << "no command asks this";
    return {};
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
