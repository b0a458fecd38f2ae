#include "tests/unit/house/layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Path, relative to the root, and text of every C++ source below server/ and client/.
const std::map<std::string, std::string>& Sources() {
  static const auto& sources = *[] {
    auto* found = new std::map<std::string, std::string>;
    const fs::path root = SLUICE_SOURCE_DIR;
    for (const char* top : {"server", "client"}) {
      for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / top)) {
        const fs::path extension = entry.path().extension();
        if (extension != ".h" && extension != ".cc" && extension != ".cpp") continue;
        std::ostringstream text;
        text << std::ifstream(entry.path()).rdbuf();
        (*found)[entry.path().lexically_relative(root).generic_string()] = text.str();
      }
    }
    return found;
  }();
  return sources;
}

TEST(LayersTest, NoArrowRunsBackAndNoHeaderIsWhereItDoesNotBelong) {
  std::vector<std::string> all;
  for (const auto& [path, text] : Sources()) {
    const std::vector<std::string> found = CheckSource(path, text);
    all.insert(all.end(), found.begin(), found.end());
  }
  EXPECT_THAT(all, IsEmpty()) << absl::StrJoin(all, "\n");
}

TEST(LayersTest, SeesTheSources) {
  EXPECT_GT(Sources().size(), 20u);
  EXPECT_THAT(Sources(), testing::Contains(testing::Key("server/core/rate.h")));
  EXPECT_THAT(Sources(), testing::Contains(testing::Key("server/strategy/family/bucket.h")));
}

// Planted into a real file, so that what is tested is what is read.
TEST(LayersTest, AnIncludeThatIsPlantedIsReportedWithItsLine) {
  const std::string& text = Sources().at("server/core/rate.h");
  const std::string planted = absl::StrCat("#include \"policy/loader.h\"\n", text);
  EXPECT_THAT(CheckSource("server/core/rate.h", planted),
              ElementsAre("server/core/rate.h:1: core must not include policy/loader.h "
                          "(it depends on nothing of ours)"));
}

TEST(LayersTest, ArrowsRunOneWay) {
  EXPECT_THAT(CheckSource("server/strategy/limit.cc", "\n\n#include \"limiter/limiter.h\"\n"),
              ElementsAre("server/strategy/limit.cc:3: strategy must not include "
                          "limiter/limiter.h (it may use core)"));
  EXPECT_THAT(CheckSource("server/policy/loader.cc", "#include \"backend/backend.h\""),
              ElementsAre("server/policy/loader.cc:1: policy must not include backend/backend.h "
                          "(it may use core, strategy)"));
  const std::map<std::string, std::string> backwards = {
      {"server/backend/memory/shard.cc", "policy/policy_set.h"},
      {"server/backend/memory/table.cc", "io/loop.h"},
      {"server/limiter/limiter.cc", "service/handler.h"},
      {"server/limiter/fold.cc", "telemetry/telemetry.h"},
      {"server/service/stat.cc", "telemetry/telemetry.h"},
      {"server/service/handler.h", "transport/http/http_door.h"},
      {"server/telemetry/telemetry.cc", "service/handler.h"},
      {"server/io/loop.cc", "strategy/limit.h"},
      {"client/cli/run.cc", "service/handler.h"},
      {"client/cpp/client.cc", "core/rate.h"}};
  for (const auto& [path, header] : backwards) {
    EXPECT_EQ(CheckSource(path, absl::StrCat("#include \"", header, "\"")).size(), 1u) << path;
  }
}

TEST(LayersTest, ArrowsToTheLeftAreWelcome) {
  const std::map<std::string, std::string> forwards = {
      {"server/core/rate.cc", "core/rate.h"},
      {"server/strategy/limit.cc", "core/nearest.h"},
      {"server/backend/memory/shard.cc", "strategy/limit.h"},
      {"server/backend/redis/script.cc", "io/loop.h"},
      {"server/limiter/limiter.cc", "policy/policy_set.h"},
      {"server/transport/http/http_door.cc", "telemetry/telemetry.h"},
      {"server/main.cc", "transport/http/http_door.h"},
      {"client/cli/validate.cc", "policy/loader.h"},
      {"client/cli/run.cc", "cli/table.h"},
      {"client/cpp/client.cc", "io/loop.h"}};
  for (const auto& [path, header] : forwards) {
    EXPECT_THAT(CheckSource(path, absl::StrCat("#include \"", header, "\"")), IsEmpty()) << path;
  }
}

TEST(LayersTest, HeadersOfOthersStayWhereTheyBelong) {
  EXPECT_THAT(CheckSource("server/core/rate.cc", "# include <yaml-cpp/yaml.h>"),
              ElementsAre("server/core/rate.cc:1: core must not include yaml-cpp/yaml.h "
                          "(yaml-cpp belongs to server/policy)"));
  EXPECT_THAT(CheckSource("server/limiter/limiter.cc", "#include \"sluice/v1/limiter.pb.h\""),
              ElementsAre("server/limiter/limiter.cc:1: limiter must not include "
                          "sluice/v1/limiter.pb.h (protobuf belongs to server/service, "
                          "server/transport, client)"));
  EXPECT_THAT(CheckSource("server/core/mutex.h", "#include \"absl/synchronization/mutex.h\""),
              ElementsAre("server/core/mutex.h:1: core must not include "
                          "absl/synchronization/mutex.h (absl::Mutex is used nowhere)"));
  const std::map<std::string, std::string> misplaced = {
      {"server/main.cc", "sluice/v1/limiter.pb.h"},
      {"server/service/stat.cc", "sluice/v1/limiter.grpc.pb.h"},
      {"server/service/handler.h", "grpcpp/grpcpp.h"},
      {"server/service/errors.cc", "grpc/byte_buffer.h"},
      {"server/service/stat.cc", "grpc/impl/codegen/grpc_types.h"},
      {"server/service/headers.cc", "grpc++/grpc++.h"},
      {"server/service/health_service.cc", "grpc/health/v1/health.grpc.pb.h"},
      {"server/limiter/limiter.cc", "grpc/health/v1/health.pb.h"},
      {"server/transport/http/http_door.cc", "grpcpp/grpcpp.h"},
      {"server/transport/grpc/grpc_door.cc", "civetweb.h"},
      {"server/transport/grpc/call.h", "nghttp2/nghttp2.h"},
      {"server/service/health_service.cc", "prometheus/counter.h"},
      {"server/policy/loader.cc", "spdlog/spdlog.h"},
      {"client/cli/validate.cc", "yaml-cpp/yaml.h"},
      {"server/backend/memory/shard.cc", "hiredis/hiredis.h"},
      {"server/strategy/limit.cc", "lua.hpp"}};
  for (const auto& [path, header] : misplaced) {
    EXPECT_EQ(CheckSource(path, absl::StrCat("#include <", header, ">")).size(), 1u) << path;
  }
  const std::map<std::string, std::string> placed = {
      {"server/service/stat.cc", "sluice/v1/limiter.pb.h"},
      {"server/service/health_service.h", "grpc/health/v1/health.pb.h"},
      {"server/transport/grpc/call.h", "sluice/v1/limiter.grpc.pb.h"},
      {"server/transport/grpc/health_rpc.cc", "grpc/health/v1/health.grpc.pb.h"},
      {"server/transport/grpc/grpc_door.cc", "grpc/support/log.h"},
      {"server/transport/http/http_door.cc", "civetweb.h"},
      {"server/transport/h2/session.cc", "nghttp2/nghttp2.h"},
      {"server/policy/yaml.cc", "yaml-cpp/parser.h"},
      {"server/telemetry/telemetry.cc", "prometheus/counter.h"},
      {"server/backend/redis/script.cc", "hiredis/hiredis.h"},
      {"server/main.cc", "spdlog/spdlog.h"},
      {"client/cli/remote.cc", "grpcpp/grpcpp.h"}};
  for (const auto& [path, header] : placed) {
    EXPECT_THAT(CheckSource(path, absl::StrCat("#include <", header, ">")), IsEmpty()) << path;
  }
}

TEST(LayersTest, AnIncludeNamesItsRoom) {
  EXPECT_THAT(CheckSource("server/core/rate.cc", "#include \"../policy/loader.h\""),
              ElementsAre("server/core/rate.cc:1: core must not include ../policy/loader.h "
                          "(a path starts with its room and has no '..')"));
  EXPECT_THAT(CheckSource("server/core/rate.cc", "#include \"rate.h\""),
              ElementsAre("server/core/rate.cc:1: core must not include rate.h "
                          "(a path starts with its room and has no '..')"));
  for (const char* header :
       {"\"core/../policy/loader.h\"", "<core/../policy/loader.h>", "\"./policy/loader.h\"",
        "\"//policy/loader.h\"", "<policy/loader.h>"}) {
    EXPECT_EQ(CheckSource("server/core/rate.cc", absl::StrCat("#include ", header)).size(), 1u)
        << header;
  }
  for (const char* header :
       {"\"core/rate.h\"", "\"absl/types/span.h\"", "<vector>", "<xxhash.h>"}) {
    EXPECT_THAT(CheckSource("server/core/rate.cc", absl::StrCat("#include ", header)), IsEmpty())
        << header;
  }
}

TEST(LayersTest, NothingButTestsUsesTests) {
  EXPECT_THAT(CheckSource("server/core/clock.cc", "#include \"tests/fakes/fake_clock.h\""),
              ElementsAre("server/core/clock.cc:1: core must not include "
                          "tests/fakes/fake_clock.h (only tests use tests)"));
}

TEST(LayersTest, OnlyTheClockAsksTheTime) {
  EXPECT_THAT(
      CheckSource("server/limiter/limiter.cc", "x;\nauto t = std::chrono::steady_clock::now();\n"),
      ElementsAre("server/limiter/limiter.cc:2: ::now( is not for here "
                  "(time is an argument: ask a Clock)"));
  for (const char* line : {"time(nullptr);", "std::time(0);", "gettimeofday(&t, nullptr);",
                           "clock_gettime(CLOCK_REALTIME, &t);", "absl::Now();",
                           "std::chrono::system_clock::now();"}) {
    EXPECT_EQ(CheckSource("server/main.cc", line).size(), 1u) << line;
  }
  for (const char* line : {"clock.Now();", "DrainTime(x);", "parse_time(x);", "call.time();",
                           "call->time();", "int64_t time = 0;"}) {
    EXPECT_THAT(CheckSource("server/main.cc", line), IsEmpty()) << line;
  }
  EXPECT_THAT(CheckSource("server/core/clock.cc", "std::chrono::steady_clock::now();"), IsEmpty());
  EXPECT_THAT(CheckSource("client/cli/remote.cc", "std::chrono::system_clock::now();"), IsEmpty());
  EXPECT_EQ(CheckSource("client/cli/remote.cc", "std::chrono::steady_clock::now();").size(), 1u);
}

TEST(LayersTest, OnlyOurLocksAndOneStringView) {
  EXPECT_THAT(CheckSource("server/limiter/limiter.cc", "  absl::Mutex mutex_;"),
              ElementsAre("server/limiter/limiter.cc:1: absl::Mutex is not for here "
                          "(locks are core/mutex.h)"));
  EXPECT_EQ(CheckSource("server/limiter/limiter.cc", "std::mutex m;").size(), 1u);
  EXPECT_EQ(CheckSource("server/limiter/limiter.cc", "std::condition_variable c;").size(), 1u);
  EXPECT_THAT(CheckSource("server/core/mutex.h", "std::mutex m;"), IsEmpty());
  EXPECT_EQ(CheckSource("server/core/rate.h", "std::string_view v;").size(), 1u);
  EXPECT_THAT(CheckSource("server/core/rate.h", "absl::string_view v;"), IsEmpty());
}

TEST(LayersTest, CommentsAndLiteralsAreNoCode) {
  const char* const harmless = R"cc(
    // std::mutex, and #include "policy/loader.h"
    /* std::chrono::system_clock::now()
    #include "policy/loader.h"
    */
    const char* text = "std::mutex \" // time(0)";
    const int64_t number = 1'000'000;
    const char quote = '"';
  )cc";
  EXPECT_THAT(CheckSource("server/core/rate.cc", harmless), IsEmpty());
  EXPECT_THAT(CheckSource("server/core/rate.cc", "auto a = R\"x(std::mutex \")x\";"), IsEmpty());
  EXPECT_EQ(CheckSource("server/core/rate.cc", "int a = 1'000; std::mutex m; // '").size(), 1u);
  EXPECT_EQ(CheckSource("server/core/rate.cc", "/* */ std::mutex m;").size(), 1u);
}

TEST(LayersTest, AFolderThatNobodyPlannedIsReported) {
  EXPECT_THAT(CheckSource("server/misc/util.cc", ""),
              ElementsAre("server/misc/util.cc:1: this is no room of the house"));
  EXPECT_EQ(CheckSource("server/corelike/x.cc", "").size(), 1u);
}

}  // namespace
}  // namespace sluice
