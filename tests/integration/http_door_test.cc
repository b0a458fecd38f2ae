#include "transport/http/http_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/fakes/socket_client.h"
#include "tests/integration/node.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr absl::string_view kPolicy =
    "domain: edge\ndescriptors:\n"
    "  - {key: client, rate_limit: {unit: day, requests_per_unit: 1}}\n";
constexpr absl::string_view kRequest =
    R"({"domain": "edge", "descriptors": [{"entries": [{"key": "client", "value": "a"}]}]})";

class HttpDoorTest : public testing::Test {
 protected:
  HttpHandlers Handlers() {
    return {node_.limiter, node_.source,     node_.ratelimit,
            node_.health,  *node_.telemetry, *node_.clock};
  }
  void SetUp() override {
    auto door = NewHttpDoor("127.0.0.1:0", Handlers());
    ASSERT_TRUE(door.ok()) << door.status();
    door_ = *std::move(door);
    ASSERT_GT(door_->port(), 0);
  }

  HttpAnswer Ask(absl::string_view method, absl::string_view path, absl::string_view body = "") {
    return AskHttp(door_->port(), method, path, body);
  }

  Node node_;
  std::unique_ptr<HttpDoor> door_;
};

TEST_F(HttpDoorTest, IsAliveBeforeItIsReady) {
  EXPECT_EQ(Ask("GET", "/livez").status, 200);
  EXPECT_EQ(Ask("GET", "/readyz").status, 503);
  EXPECT_EQ(Ask("GET", "/readyz").body, "not ready: no policy is loaded yet\n");
  EXPECT_EQ(Ask("GET", "/healthcheck").status, 500);
  EXPECT_EQ(Ask("GET", "/rlconfig").body, "");
  EXPECT_EQ(Ask("POST", "/json", kRequest).status, 400);

  node_.Use(kPolicy);
  EXPECT_EQ(Ask("GET", "/readyz").status, 200);
  EXPECT_EQ(Ask("GET", "/healthcheck").status, 200);
  EXPECT_EQ(Ask("GET", "/healthcheck").body, "OK");

  node_.health.Drain();
  EXPECT_EQ(Ask("GET", "/readyz").status, 503);
  EXPECT_EQ(Ask("GET", "/readyz").body, "not ready: draining\n");
  EXPECT_EQ(Ask("GET", "/healthcheck").status, 500);
  EXPECT_EQ(Ask("GET", "/livez").status, 200);
}

TEST_F(HttpDoorTest, StaysReadyAfterABadReloadAndTellsOfIt) {
  ASSERT_NE(node_.Reload(kPolicy).policy, nullptr);
  EXPECT_EQ(Ask("GET", "/readyz").body, "ready\n");
  node_.Reload("nope: 1\nthrottles: 2\n");
  const HttpAnswer stale = Ask("GET", "/readyz");
  EXPECT_EQ(stale.status, 200);
  EXPECT_THAT(stale.body, testing::StartsWith("ready\n"
                                              "stale policy: generation 1 goes on\n"
                                              "node.yaml:1:1: unknown key 'nope'"));
  EXPECT_THAT(stale.body, HasSubstr("\nnode.yaml:2:12: 'throttles' must be a list"));
  EXPECT_EQ(Ask("GET", "/healthcheck").body, "OK");
  EXPECT_EQ(Ask("POST", "/json", kRequest).status, 200);
  ASSERT_NE(node_.Reload(kPolicy).policy, nullptr);
  EXPECT_EQ(Ask("GET", "/readyz").body, "ready\n");
}

TEST_F(HttpDoorTest, TellsNoMoreErrorsThanAProbeCanShow) {
  ASSERT_NE(node_.Reload(kPolicy).policy, nullptr);
  std::string text;
  for (int i = 0; i < 150; ++i) absl::StrAppend(&text, "nope", i, ": 1\n");
  node_.Reload(text);
  const std::string body = Ask("GET", "/readyz").body;
  EXPECT_EQ(std::count(body.begin(), body.end(), '\n'), 103);
  EXPECT_THAT(body, testing::EndsWith("\nand 50 more\n"));
}

TEST_F(HttpDoorTest, DecidesJsonByAnyMethod) {
  node_.Use(kPolicy);
  const HttpAnswer passes = Ask("POST", "/json", kRequest);
  EXPECT_EQ(passes.status, 200);
  EXPECT_THAT(passes.head, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(passes.body, HasSubstr(R"({"overallCode":"OK","statuses":[{"code":"OK",)"));
  const HttpAnswer over = Ask("PUT", "/json", kRequest);
  EXPECT_EQ(over.status, 429);
  EXPECT_THAT(over.body, HasSubstr(R"({"overallCode":"OVER_LIMIT",)"));
  for (const absl::string_view body : {"", "{", "{\"colour\": 1}"}) {
    const HttpAnswer bad = Ask("GET", "/json", body);
    EXPECT_EQ(bad.status, 400);
    EXPECT_EQ(bad.body, "Bad Request\n");
    EXPECT_THAT(bad.head, HasSubstr("Content-Type: text/plain; charset=utf-8"));
  }
}

TEST_F(HttpDoorTest, ShowsMetricsAndLimits) {
  node_.Use(kPolicy);
  Ask("POST", "/json", kRequest);
  const HttpAnswer metrics = Ask("GET", "/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_THAT(metrics.head, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(metrics.body, HasSubstr("sluice_rls_hits_total{domain=\"edge\",key=\"client\","
                                      "result=\"within_limit\"} 1\n"));
  EXPECT_EQ(Ask("GET", "/rlconfig").body,
            "edge.client: unit=DAY requests_per_unit=1, shadow_mode: false, quota_mode: false\n");
}

TEST_F(HttpDoorTest, HeadHasTheHeadersAndNoBody) {
  const HttpAnswer get = Ask("GET", "/livez");
  const HttpAnswer head = Ask("HEAD", "/livez");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_THAT(head.head, HasSubstr(absl::StrCat("Content-Length: ", get.body.size(), "\r\n")));
}

TEST_F(HttpDoorTest, OtherPathsAreNotFound) {
  for (const absl::string_view path :
       {"/", "/nothing", "/metrics/x", "/livezz", "/../etc/passwd"}) {
    EXPECT_THAT(Ask("GET", path).status, testing::AnyOf(404, 400)) << path;
  }
  EXPECT_EQ(Ask("GET", "/nothing").status, 404);
}

TEST_F(HttpDoorTest, AnOversizedBodyIsRefusedAndTheDoorGoesOn) {
  node_.Use(kPolicy);
  EXPECT_EQ(Ask("POST", "/json", std::string((1 << 20) + 1, ' ') + std::string(kRequest)).status,
            400);
  EXPECT_EQ(Ask("POST", "/json", kRequest).status, 200);
}

TEST_F(HttpDoorTest, GarbageDoesNotStopIt) {
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 11), std::string("GET\r\n\r\n"),
        std::string(20'000, 'A') + "\r\n\r\n", std::string("GET /livez HTTP/9.9\r\n\r\n")}) {
    EXPECT_THAT(Exchange(door_->port(), bytes), Not(HasSubstr(" 200 OK")));
    EXPECT_EQ(Ask("GET", "/livez").status, 200);
  }
}

TEST_F(HttpDoorTest, APortInUseIsNamed) {
  const std::string address = absl::StrCat("127.0.0.1:", door_->port());
  const auto second = NewHttpDoor(address, Handlers());
  EXPECT_EQ(second.status(),
            absl::UnavailableError(absl::StrCat("server.http: cannot listen on ", address,
                                                ": Address already in use")));
}

}  // namespace
}  // namespace sluice
