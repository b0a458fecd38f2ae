// The real binary: configuration in, decisions out, and how it ends.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "sluice/v1/admin.grpc.pb.h"
#include "sluice/v1/limiter.grpc.pb.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/socket_client.h"

extern char** environ;

namespace sluice {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr int kPatienceMs = 60'000;

// A running sluiced; killed when it has not ended by then.
class Sluiced {
 public:
  explicit Sluiced(const std::vector<std::string>& arguments) {
    std::array<int, 2> ends;
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    std::vector<std::string> words = {SLUICED};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    EXPECT_EQ(posix_spawn(&pid_, SLUICED, &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    log_fd_ = ends[0];
  }
  ~Sluiced() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(log_fd_);
  }
  Sluiced(const Sluiced&) = delete;
  Sluiced& operator=(const Sluiced&) = delete;

  // Reads its log until `text` stands in it; false when it ends, or is silent, before.
  bool LogHas(absl::string_view text) {
    while (!absl::StrContains(log_, text)) {
      if (!ReadLog()) return false;
    }
    return true;
  }
  // The port behind `name=HOST:` in the line that says that it serves; 0 when it does not.
  int Port(absl::string_view name) {
    if (!LogHas(" domains=")) return 0;
    int port = 0;
    for (const absl::string_view word : absl::StrSplit(log_, ' ')) {
      if (!absl::StartsWith(word, absl::StrCat(name, "="))) continue;
      EXPECT_TRUE(absl::SimpleAtoi(word.substr(word.rfind(':') + 1), &port)) << word;
    }
    return port;
  }
  void Signal(int signal) const { EXPECT_EQ(kill(pid_, signal), 0); }
  // Waits for its end; the exit code, or -1 when a signal ended it.
  int ExitCode() {
    while (ReadLog()) {
    }
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  const std::string& log() const { return log_; }

 private:
  bool ReadLog() {
    pollfd waiting{log_fd_, POLLIN, 0};
    if (poll(&waiting, 1, kPatienceMs) != 1) {
      ADD_FAILURE() << "silent for too long; so far:\n" << log_;
      kill(pid_, SIGKILL);
      return false;
    }
    std::array<char, 4096> chunk;
    const ssize_t got = read(log_fd_, chunk.data(), chunk.size());
    if (got > 0) log_.append(chunk.data(), static_cast<size_t>(got));
    return got > 0;
  }

  pid_t pid_ = -1;
  int log_fd_ = -1;
  std::string log_;
};

class ProcessTest : public testing::Test {
 protected:
  ProcessTest() {
    std::string pattern = (fs::temp_directory_path() / "sluice-process-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~ProcessTest() override { fs::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  // A configuration on free ports, with `server` settings of its own and one throttle.
  std::string Config(absl::string_view server) const {
    return Write("sluice.yaml", absl::StrCat("server: {grpc: {address: \"127.0.0.1:0\"}, ",
                                             "http: {address: \"127.0.0.1:0\"}, ",
                                             "admin: {address: \"127.0.0.1:0\"}, ", server, "}\n",
                                             "throttles: [{uid: plain, rate: 2/day}]\n",
                                             "domains: {files: [\"*.domain\"]}\n"));
  }
  void SetUp() override {
    Write("edge.domain",
          "domain: edge\n"
          "descriptors: [{key: client, rate_limit: {unit: day, requests_per_unit: 1}}]\n");
  }

  static v1::HitResponse Hit(int port,
                             const std::shared_ptr<grpc::ChannelCredentials>& credentials =
                                 grpc::InsecureChannelCredentials()) {
    const auto stub =
        v1::Limiter::NewStub(grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), credentials));
    grpc::ClientContext context;
    v1::HitRequest request;
    request.add_throttles("plain");
    request.set_identifier("alice");
    v1::HitResponse response;
    const grpc::Status status = stub->Hit(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  fs::path folder_;
};

TEST_F(ProcessTest, ServesUntilSigterm) {
  Sluiced server({"--config", Config("drain_delay: 0s")});
  const int grpc_port = server.Port("grpc");
  const int http_port = server.Port("http");
  ASSERT_GT(grpc_port, 0) << server.log();
  ASSERT_GT(http_port, 0) << server.log();
  EXPECT_THAT(server.log(), HasSubstr("backends=local:memory"));
  EXPECT_THAT(server.log(), HasSubstr("throttles=1 domains=1"));
  EXPECT_TRUE(Hit(grpc_port).allowed());
  EXPECT_TRUE(Hit(grpc_port).allowed());
  EXPECT_FALSE(Hit(grpc_port).allowed());
  EXPECT_EQ(AskHttp(http_port, "GET", "/readyz").status, 200);
  EXPECT_EQ(AskHttp(http_port, "POST", "/json",
                    R"({"domain": "edge", "descriptors": [{"entries": [{"key": "client"}]}]})")
                .status,
            200);
  EXPECT_THAT(AskHttp(http_port, "GET", "/metrics").body,
              HasSubstr("sluice_decisions_total{tenant=\"\",throttle=\"plain\","
                        "outcome=\"allowed\"} 2\n"));
  server.Signal(SIGTERM);
  EXPECT_EQ(server.ExitCode(), 0) << server.log();
  EXPECT_THAT(server.log(), HasSubstr("stopped"));
}

TEST_F(ProcessTest, AnswersOnWhileItDrains) {
  Sluiced server({"--config", Config("drain_delay: 2s")});
  const int grpc_port = server.Port("grpc");
  const int http_port = server.Port("http");
  ASSERT_GT(grpc_port, 0) << server.log();
  server.Signal(SIGTERM);
  ASSERT_TRUE(server.LogHas("draining signal=15 delay_ms=2000")) << server.log();
  EXPECT_EQ(AskHttp(http_port, "GET", "/readyz").status, 503);
  EXPECT_TRUE(Hit(grpc_port).allowed());
  EXPECT_EQ(server.ExitCode(), 0) << server.log();
}

TEST_F(ProcessTest, AdminHasAPortOfItsOwn) {
  Sluiced server({"--config", Config("drain_delay: 0s")});
  const int port = server.Port("admin");
  ASSERT_GT(port, 0) << server.log();
  EXPECT_NE(port, server.Port("grpc"));
  const auto stub = v1::Admin::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  v1::ListThrottlesResponse response;
  ASSERT_TRUE(stub->ListThrottles(&context, v1::ListThrottlesRequest(), &response).ok());
  ASSERT_EQ(response.throttles_size(), 1);
  EXPECT_EQ(response.throttles(0).uid(), "plain");
  server.Signal(SIGTERM);
  EXPECT_EQ(server.ExitCode(), 0) << server.log();
}

TEST_F(ProcessTest, AdminCanBeOff) {
  Sluiced server({"--config", Write("off.yaml",
                                    "server: {grpc: {address: \"127.0.0.1:0\"}, "
                                    "http: {address: \"127.0.0.1:0\"}, admin: {address: off}}\n")});
  EXPECT_TRUE(server.LogHas(" admin=off ")) << server.log();
}

// The default address of Admin goes to one server alone.
TEST_F(ProcessTest, AnAdminAddressThatNobodyChoseStopsNoServer) {
  const std::string config = Write("plain.yaml",
                                   "server: {grpc: {address: \"127.0.0.1:0\"}, "
                                   "http: {address: \"127.0.0.1:0\"}}\n"
                                   "throttles: [{uid: plain, rate: 2/day}]\n");
  Sluiced first({"--config", config});
  ASSERT_TRUE(first.LogHas(" domains=")) << first.log();
  Sluiced second({"--config", config});
  EXPECT_TRUE(second.LogHas("going on without Admin")) << second.log();
  EXPECT_TRUE(second.LogHas(" admin=off ")) << second.log();
  EXPECT_TRUE(Hit(second.Port("grpc")).allowed());
}

TEST_F(ProcessTest, SpeaksTls) {
  const CertificateAuthority ca("Test CA");
  const Identity identity = ca.Issue("server", "IP:127.0.0.1");
  Write("server.pem", identity.certificate);
  Write("server.key", identity.key);
  Sluiced server(
      {"--config", Write("tls.yaml",
                         "server:\n"
                         "  grpc: {address: \"127.0.0.1:0\", tls: {cert_file: server.pem, "
                         "key_file: server.key}}\n"
                         "  http: {address: \"127.0.0.1:0\"}\n"
                         "  admin: {address: \"127.0.0.1:0\"}\n"
                         "throttles: [{uid: plain, rate: 2/day}]\n")});
  ASSERT_GT(server.Port("grpc"), 0) << server.log();
  EXPECT_TRUE(Hit(server.Port("grpc"), grpc::SslCredentials({ca.certificate(), "", ""})).allowed());
}

TEST_F(ProcessTest, SigintSkipsTheDelay) {
  Sluiced server({"--config", Config("drain_delay: 1h")});
  ASSERT_GT(server.Port("grpc"), 0) << server.log();
  server.Signal(SIGINT);
  EXPECT_EQ(server.ExitCode(), 0) << server.log();
}

TEST_F(ProcessTest, ABadConfigurationIsRefusedWithEveryError) {
  const std::string path = Write("bad.yaml",
                                 "throtles: []\n"
                                 "throttles:\n"
                                 "  - {uid: a, rate: 5/fortnight}\n"
                                 "  - {uid: b, rate: 5/min, strategy: token_bukket}\n");
  Sluiced server({"--config", path});
  EXPECT_EQ(server.ExitCode(), 2);
  const std::vector<std::string> lines = absl::StrSplit(server.log(), '\n', absl::SkipEmpty());
  EXPECT_THAT(lines, ElementsAre(StartsWith(absl::StrCat(path, ":1:1: ")),
                                 StartsWith(absl::StrCat(path, ":3:")),
                                 StartsWith(absl::StrCat(path, ":4:"))))
      << server.log();
}

TEST_F(ProcessTest, AFileThatIsNotThereIsABadConfiguration) {
  Sluiced server({"--config", (folder_ / "nothing.yaml").string()});
  EXPECT_EQ(server.ExitCode(), 2);
  EXPECT_THAT(server.log(), HasSubstr("nothing.yaml:1:1: the file cannot be read"));
}

TEST_F(ProcessTest, AnUnknownOptionIsABadConfiguration) {
  Sluiced server({"--confgi", "x"});
  EXPECT_EQ(server.ExitCode(), 2);
  EXPECT_THAT(server.log(), HasSubstr("--confgi"));
}

TEST_F(ProcessTest, APortInUseIsOneClearLine) {
  Sluiced first({"--config", Config("drain_delay: 0s")});
  for (const absl::string_view door : {"grpc", "http", "admin"}) {
    SCOPED_TRACE(std::string(door));
    const std::string address = absl::StrCat("127.0.0.1:", first.Port(door));
    std::string server = "server:\n";
    for (const absl::string_view each : {"grpc", "http", "admin"}) {
      absl::StrAppend(&server, "  ", each, ": {address: \"", each == door ? address : "127.0.0.1:0",
                      "\"}\n");
    }
    Sluiced second({"--config", Write("second.yaml", server)});
    EXPECT_EQ(second.ExitCode(), 1);
    const std::vector<std::string> lines = absl::StrSplit(second.log(), '\n', absl::SkipEmpty());
    EXPECT_THAT(lines, ElementsAre(HasSubstr(absl::StrCat("server.", door, ": cannot listen on ",
                                                          address, ": Address already in use"))));
  }
  EXPECT_TRUE(Hit(first.Port("grpc")).allowed());
}

}  // namespace
}  // namespace sluice
