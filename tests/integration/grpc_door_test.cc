#include "transport/grpc/grpc_door.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "envoy/service/ratelimit/v3/rls.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "sluice/v1/admin.grpc.pb.h"
#include "sluice/v1/limiter.grpc.pb.h"
#include "tests/fakes/proto_matcher.h"
#include "tests/fakes/socket_client.h"
#include "tests/integration/node.h"

namespace sluice {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr int64_t kGraceUs = 20'000'000;

std::chrono::system_clock::time_point After(milliseconds time) {
  return std::chrono::system_clock::now() + time;
}

// Looks again and again until `condition` holds; false when it does not within 30 s.
bool Eventually(const std::function<bool()>& condition) {
  const auto end = After(milliseconds(30'000));
  while (!condition()) {
    if (std::chrono::system_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

template <class Detail>
Detail DetailOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), static_cast<int>(status.error_code()));
  EXPECT_EQ(details.message(), status.error_message());
  Detail detail;
  EXPECT_TRUE(details.details_size() == 1 && details.details(0).UnpackTo(&detail));
  return detail;
}

class GrpcDoorTest : public testing::Test {
 protected:
  GrpcHandlers Handlers() {
    return {node_.native, node_.ratelimit, node_.health, *node_.telemetry, *node_.clock};
  }
  void SetUp() override {
    node_.Use("throttles: [{uid: plain, rate: 500/day}]");
    auto door = NewGrpcDoor({"127.0.0.1:0"}, Handlers());
    ASSERT_TRUE(door.ok()) << door.status();
    door_ = *std::move(door);
    ASSERT_GT(door_->port(), 0);
    channel_ = NewChannel();
    stub_ = v1::Limiter::NewStub(channel_);
  }
  // The door waits for every answer when it closes.
  void TearDown() override { node_.backend.Release(); }

  std::string Address() const { return absl::StrCat("127.0.0.1:", door_->port()); }
  // With a connection of its own.
  std::shared_ptr<grpc::Channel> NewChannel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(Address(), grpc::InsecureChannelCredentials(), arguments);
  }

  grpc::Status Hit(grpc::ClientContext& context, v1::HitResponse& response) {
    return stub_->Hit(&context, ParseText<v1::HitRequest>("throttles: 'plain' identifier: 'alice'"),
                      &response);
  }
  grpc::Status Hit() {
    grpc::ClientContext context;
    v1::HitResponse response;
    return Hit(context, response);
  }
  // Sends a Hit whose answer the backend holds back until it is released.
  std::thread HitAndHold(grpc::ClientContext& context, grpc::Status& status) {
    node_.backend.Hold();
    std::thread caller([&] {
      v1::HitResponse response;
      status = Hit(context, response);
    });
    EXPECT_TRUE(Eventually([&] { return node_.backend.waiting() == 1; }));
    return caller;
  }

  Node node_;
  std::unique_ptr<GrpcDoor> door_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Limiter::Stub> stub_;
};

TEST_F(GrpcDoorTest, HitsThroughTheWire) {
  grpc::ClientContext context;
  v1::HitResponse response;
  ASSERT_TRUE(Hit(context, response).ok());
  EXPECT_TRUE(response.allowed());
  EXPECT_EQ(response.results(0).stat().fixed_window().current_count(), 1U);
  EXPECT_THAT(response.headers(), SizeIs(3));
  EXPECT_THAT(node_.telemetry->Scrape(),
              HasSubstr("sluice_requests_total{method=\"Hit\",code=\"OK\"} 1\n"));
}

TEST_F(GrpcDoorTest, ErrorsHaveTheirDetailsInTheTrailer) {
  grpc::ClientContext unknown;
  v1::HitResponse response;
  grpc::Status status =
      stub_->Hit(&unknown, ParseText<v1::HitRequest>("throttles: 'plian'"), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).reason(), "THROTTLE_NOT_FOUND");

  grpc::ClientContext empty;
  status = stub_->Hit(&empty, v1::HitRequest(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(DetailOf<google::rpc::BadRequest>(status).field_violations(0).field(), "throttles");
}

// gRPC's clock follows UTC when it is set back, and ours does not: what counts is the time left.
TEST_F(GrpcDoorTest, ADeadlineIsTheTimeLeftWhateverOurClockShows) {
  for (const int64_t set_us : {int64_t{0}, int64_t{4'000'000'000'000'000}}) {
    node_.clock->Set(set_us);
    grpc::ClientContext context;
    context.set_deadline(After(milliseconds(10'000)));
    v1::HitResponse response;
    EXPECT_TRUE(Hit(context, response).ok()) << set_us;
  }
}

TEST_F(GrpcDoorTest, AnswersEnvoy) {
  node_.Use(
      "domain: edge\ndescriptors:\n"
      "  - {key: client, rate_limit: {unit: day, requests_per_unit: 1}}\n");
  const auto stub = envoy::service::ratelimit::v3::RateLimitService::NewStub(channel_);
  envoy::service::ratelimit::v3::RateLimitRequest request;
  request.set_domain("edge");
  auto& entry = *request.add_descriptors()->add_entries();
  entry.set_key("client");
  entry.set_value("\xff no text");
  envoy::service::ratelimit::v3::RateLimitResponse response;
  for (const auto code : {response.OK, response.OVER_LIMIT}) {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->ShouldRateLimit(&context, request, &response).ok());
    EXPECT_EQ(response.overall_code(), code);
  }
}

TEST_F(GrpcDoorTest, MethodsOfLaterVersionsSaySo) {
  grpc::ClientContext commit;
  v1::CommitResponse commit_response;
  grpc::Status status = stub_->Commit(&commit, v1::CommitRequest(), &commit_response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(status.error_message(), "Commit is not served yet by this version");

  grpc::ClientContext streaming;
  const auto stream = stub_->HitStream(&streaming);
  v1::HitResult result;
  EXPECT_FALSE(stream->Read(&result));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(GrpcDoorTest, AdminIsBehindADoorOfItsOwn) {
  const auto list = [](const std::shared_ptr<grpc::Channel>& channel,
                       v1::ListThrottlesResponse& response) {
    grpc::ClientContext context;
    return v1::Admin::NewStub(channel)->ListThrottles(&context, v1::ListThrottlesRequest(),
                                                      &response);
  };
  v1::ListThrottlesResponse response;
  EXPECT_EQ(list(channel_, response).error_code(), grpc::StatusCode::UNIMPLEMENTED);

  const auto door = NewAdminDoor({"127.0.0.1:0"}, {node_.admin, *node_.telemetry, *node_.clock});
  ASSERT_TRUE(door.ok()) << door.status();
  const auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", (*door)->port()),
                                           grpc::InsecureChannelCredentials());
  ASSERT_TRUE(list(channel, response).ok());
  ASSERT_THAT(response.throttles(), SizeIs(1));
  EXPECT_EQ(response.throttles(0).uid(), "plain");
  EXPECT_THAT(node_.telemetry->Scrape(),
              HasSubstr("sluice_requests_total{method=\"ListThrottles\",code=\"OK\"} 1\n"));

  grpc::ClientContext context;
  v1::HitResponse hit;
  EXPECT_EQ(v1::Limiter::NewStub(channel)->Hit(&context, v1::HitRequest(), &hit).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(NewAdminDoor({Address()}, {node_.admin, *node_.telemetry, *node_.clock}).status(),
            absl::UnavailableError(absl::StrCat("server.admin: cannot listen on ", Address(),
                                                ": Address already in use")));
}

TEST_F(GrpcDoorTest, OldConnectionsAreAskedToLeaveAndCallsGoOn) {
  DoorOptions options{"127.0.0.1:0"};
  options.max_connection_age_us = 50'000;
  const auto door = NewGrpcDoor(options, Handlers());
  ASSERT_TRUE(door.ok()) << door.status();
  const auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", (*door)->port()),
                                           grpc::InsecureChannelCredentials());
  const auto stub = v1::Limiter::NewStub(channel);
  for (int connection = 0; connection < 2; ++connection) {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    v1::HitResponse response;
    ASSERT_TRUE(
        stub->Hit(&context, ParseText<v1::HitRequest>("throttles: 'plain'"), &response).ok());
    EXPECT_TRUE(Eventually([&] { return channel->GetState(false) != GRPC_CHANNEL_READY; }));
  }
}

TEST_F(GrpcDoorTest, ACallCancelledWhileItsAnswerIsPendingHarmsNothing) {
  grpc::ClientContext context;
  grpc::Status status;
  std::thread caller = HitAndHold(context, status);
  context.TryCancel();
  caller.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(node_.backend.waiting(), 1U);
  node_.backend.Release();
  EXPECT_TRUE(Hit().ok());
}

TEST_F(GrpcDoorTest, ACallWhoseDeadlinePassesWhileItsAnswerIsPendingHarmsNothing) {
  EXPECT_TRUE(Hit().ok());  // connects, which the deadline is not meant for
  grpc::ClientContext context;
  context.set_deadline(After(milliseconds(1'000)));
  grpc::Status status;
  std::thread caller = HitAndHold(context, status);
  caller.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  node_.backend.Release();
  EXPECT_TRUE(Hit().ok());
}

TEST_F(GrpcDoorTest, AClientThatDisconnectsWhileItsAnswerIsPendingHarmsNothing) {
  auto channel = NewChannel();
  auto stub = v1::Limiter::NewStub(channel);
  node_.backend.Hold();
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  v1::HitResponse response;
  grpc::Status status;
  auto call = stub->AsyncHit(&context, ParseText<v1::HitRequest>("throttles: 'plain'"), &queue);
  call->Finish(&response, &status, &status);
  EXPECT_TRUE(Eventually([&] { return node_.backend.waiting() == 1; }));
  context.TryCancel();
  void* tag = nullptr;
  bool ok = false;
  EXPECT_TRUE(queue.Next(&tag, &ok));
  stub = nullptr;
  channel = nullptr;
  node_.backend.Release();
  EXPECT_TRUE(Hit().ok());
}

TEST_F(GrpcDoorTest, ShutdownWaitsForPendingAnswers) {
  grpc::ClientContext context;
  grpc::Status status(grpc::StatusCode::UNKNOWN, "");
  std::thread caller = HitAndHold(context, status);
  std::atomic<bool> stopped = false;
  std::thread stopping([&] {
    door_->Shutdown(kGraceUs);
    stopped = true;
  });
  // The GOAWAY has arrived: the channel is no longer ready, and the call goes on.
  EXPECT_TRUE(Eventually([&] { return channel_->GetState(false) != GRPC_CHANNEL_READY; }));
  EXPECT_FALSE(stopped);
  node_.backend.Release();
  caller.join();
  stopping.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(GrpcDoorTest, ShutdownCancelsWhatIsPendingAfterTheGrace) {
  grpc::ClientContext context;
  grpc::Status status;
  std::thread caller = HitAndHold(context, status);
  std::thread stopping([&] { door_->Shutdown(50'000); });
  caller.join();
  EXPECT_FALSE(status.ok());
  // The answer that comes now has nobody to go to.
  node_.backend.Release();
  stopping.join();
}

TEST_F(GrpcDoorTest, WatchesSeeTheDrainAndEndWithTheServer) {
  const auto health = grpc::health::v1::Health::NewStub(channel_);
  grpc::ClientContext context;
  grpc::ClientContext stranger_context;
  HealthCheckRequest stranger_request;
  stranger_request.set_service("sluice.v1.Nobody");
  const auto watch = health->Watch(&context, HealthCheckRequest());
  const auto stranger = health->Watch(&stranger_context, stranger_request);
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  ASSERT_TRUE(stranger->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);

  node_.health.Drain();
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  grpc::ClientContext check;
  EXPECT_TRUE(health->Check(&check, HealthCheckRequest(), &response).ok());
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  EXPECT_TRUE(Hit().ok());

  door_->Shutdown(kGraceUs);
  EXPECT_FALSE(watch->Read(&response));
  EXPECT_FALSE(stranger->Read(&response));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(stranger->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcDoorTest, AWatchThatItsClientCancelsIsForgotten) {
  const auto health = grpc::health::v1::Health::NewStub(channel_);
  HealthCheckResponse response;
  for (int i = 0; i < 10; ++i) {
    grpc::ClientContext context;
    const auto watch = health->Watch(&context, HealthCheckRequest());
    ASSERT_TRUE(watch->Read(&response));
    context.TryCancel();
    EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  node_.health.Drain();
  door_->Shutdown(kGraceUs);
}

TEST_F(GrpcDoorTest, ManyClientsGetExactlyTheLimit) {
  constexpr int kClients = 64;
  constexpr int kCalls = 10;
  std::atomic<int> allowed = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      for (int n = 0; n < kCalls; ++n) {
        grpc::ClientContext context;
        v1::HitResponse response;
        EXPECT_TRUE(Hit(context, response).ok());
        if (response.allowed()) ++allowed;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(allowed, 500);
}

TEST_F(GrpcDoorTest, AFloodOfKeepalivePingsIsNoOffence) {
  // In HTTP/2's own frames, because gRPC's client never sends as many as Envoy may.
  constexpr int kPings = 200;
  constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  constexpr absl::string_view kSettings("\x00\x00\x00\x04\x00\x00\x00\x00\x00", 9);
  constexpr absl::string_view kPing(
      "\x00\x00\x08\x06\x00\x00\x00\x00\x00"
      "keepaliv",
      17);
  constexpr absl::string_view kAck(
      "\x00\x00\x08\x06\x01\x00\x00\x00\x00"
      "keepaliv",
      17);
  std::string frames = absl::StrCat(kPreface, kSettings);
  for (int i = 0; i < kPings; ++i) absl::StrAppend(&frames, kPing);
  const auto acks = [&](const std::string& answer) {
    int count = 0;
    for (size_t at = answer.find(kAck.data(), 0, kAck.size()); at != std::string::npos;
         at = answer.find(kAck.data(), at + 1, kAck.size())) {
      ++count;
    }
    return count;
  };
  const std::string answer = Exchange(
      door_->port(), frames, [&](const std::string& so_far) { return acks(so_far) == kPings; });
  EXPECT_EQ(acks(answer), kPings);
  EXPECT_EQ(answer.find("too_many_pings"), std::string::npos);
}

TEST_F(GrpcDoorTest, GarbageDoesNotStopIt) {
  // gRPC waits for the rest of what looks like a preface, so this is none.
  EXPECT_THAT(Exchange(door_->port(), std::string(4096, '\xff')), Not(HasSubstr("200")));
  EXPECT_THAT(Exchange(door_->port(), "GET / HTTP/1.1\r\n\r\n"), Not(HasSubstr("200 OK")));
  EXPECT_TRUE(Hit().ok());
}

TEST_F(GrpcDoorTest, APortInUseIsNamed) {
  const auto second = NewGrpcDoor({Address()}, Handlers());
  EXPECT_EQ(second.status(),
            absl::UnavailableError(absl::StrCat("server.grpc: cannot listen on ", Address(),
                                                ": Address already in use")));
  const auto nowhere = NewGrpcDoor({"no.such.host.invalid:1"}, Handlers());
  EXPECT_TRUE(absl::IsUnavailable(nowhere.status()));
  EXPECT_THAT(std::string(nowhere.status().message()),
              HasSubstr("cannot listen on no.such.host.invalid:1: "));
}

}  // namespace
}  // namespace sluice
