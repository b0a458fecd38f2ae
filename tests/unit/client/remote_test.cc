#include "cli/remote.h"

#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/service/ratelimit/v3/rls.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "sluice/v1/limiter.grpc.pb.h"

namespace sluice::cli {
namespace {

using ::envoy::service::ratelimit::v3::RateLimitRequest;
using ::envoy::service::ratelimit::v3::RateLimitResponse;
using ::envoy::service::ratelimit::v3::RateLimitService;

constexpr int64_t kPatient = 30'000'000;
constexpr int64_t kImpatient = 50'000;

grpc::Status Fail(grpc::StatusCode code, const std::string& message,
                  const google::protobuf::Message& detail) {
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(message);
  details.add_details()->PackFrom(detail);
  return grpc::Status(code, message, details.SerializeAsString());
}

// Does what the identifier says.
class FakeLimiter final : public v1::Limiter::Service {
 public:
  grpc::Status Hit(grpc::ServerContext* context, const v1::HitRequest* request,
                   v1::HitResponse* response) override {
    if (request->identifier() == "bad") {
      google::rpc::BadRequest detail;
      detail.add_field_violations()->set_field("identifier");
      return Fail(grpc::StatusCode::INVALID_ARGUMENT, "bad identifier", detail);
    }
    if (request->identifier() == "garbled") {
      return grpc::Status(grpc::StatusCode::NOT_FOUND, "no throttle", "\xFF\xFF\xFF");
    }
    if (request->identifier() == "failing") {
      return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the backend failed");
    }
    if (request->identifier() == "slow") {
      // The client's deadline ends it.
      while (!context->IsCancelled()) usleep(1000);
      return grpc::Status::CANCELLED;
    }
    response->set_limited_by(request->identifier());
    return grpc::Status::OK;
  }
  grpc::Status Check(grpc::ServerContext*, const v1::CheckRequest* request,
                     v1::CheckResponse* response) override {
    response->set_limited_by(absl::StrCat("check ", request->identifier()));
    return grpc::Status::OK;
  }
  grpc::Status Stat(grpc::ServerContext*, const v1::StatRequest* request,
                    v1::StatResponse* response) override {
    response->add_results()->set_throttle(absl::StrCat("stat ", request->identifier()));
    return grpc::Status::OK;
  }
};

class FakeRls final : public RateLimitService::Service {
 public:
  grpc::Status ShouldRateLimit(grpc::ServerContext*, const RateLimitRequest* request,
                               RateLimitResponse* response) override {
    response->set_raw_body(request->descriptors(0).entries(0).value());
    return grpc::Status::OK;
  }
};

class RemoteTest : public ::testing::Test {
 protected:
  RemoteTest() {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&limiter_);
    builder.RegisterService(&rls_);
    server_ = builder.BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
  }

  CallStatus Hit(const std::string& identifier, int64_t timeout_us = kPatient) {
    v1::HitRequest request;
    request.set_identifier(identifier);
    return Dial(address_, timeout_us)->Call(request, &hit_);
  }

  FakeLimiter limiter_;
  FakeRls rls_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  v1::HitResponse hit_;
};

TEST_F(RemoteTest, EachRequestHasItsMethod) {
  const std::unique_ptr<Remote> remote = Dial(address_, kPatient);
  v1::HitRequest hit;
  hit.set_identifier("alice");
  ASSERT_TRUE(remote->Call(hit, &hit_).ok());
  EXPECT_EQ(hit_.limited_by(), "alice");

  v1::CheckRequest check;
  check.set_identifier("bob");
  v1::CheckResponse checked;
  ASSERT_TRUE(remote->Call(check, &checked).ok());
  EXPECT_EQ(checked.limited_by(), "check bob");

  v1::StatRequest stat;
  stat.set_identifier("carol");
  v1::StatResponse state;
  ASSERT_TRUE(remote->Call(stat, &state).ok());
  EXPECT_EQ(state.results(0).throttle(), "stat carol");
}

TEST_F(RemoteTest, DescriptorsAreBytes) {
  RateLimitRequest request;
  request.add_descriptors()->add_entries()->set_value("\xFF");
  RateLimitResponse response;
  ASSERT_TRUE(Dial(address_, kPatient)->Call(request, &response).ok());
  EXPECT_EQ(response.raw_body(), "\xFF");
}

TEST_F(RemoteTest, AnErrorBringsItsDetails) {
  const CallStatus status = Hit("bad");
  EXPECT_EQ(status.code, absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message, "bad identifier");
  EXPECT_FALSE(status.unreachable);
  google::rpc::BadRequest detail;
  ASSERT_EQ(status.details.details_size(), 1);
  ASSERT_TRUE(status.details.details(0).UnpackTo(&detail));
  EXPECT_EQ(detail.field_violations(0).field(), "identifier");
}

TEST_F(RemoteTest, DetailsThatDoNotParseLeaveTheError) {
  const CallStatus status = Hit("garbled");
  EXPECT_EQ(status.code, absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message, "no throttle");
  EXPECT_EQ(status.details.details_size(), 0);
}

TEST_F(RemoteTest, AServerThatIsThereAndFailsIsReachable) {
  const CallStatus status = Hit("failing");
  EXPECT_EQ(status.code, absl::StatusCode::kUnavailable);
  EXPECT_FALSE(status.unreachable);
}

TEST_F(RemoteTest, ASlowAnswerEndsAtTheDeadline) {
  const CallStatus status = Hit("slow", /*timeout_us=*/1'000'000);
  EXPECT_EQ(status.code, absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(status.unreachable);
}

// A port of this host that is bound for as long as it lives; nobody answers there.
class SilentPort {
 public:
  explicit SilentPort(bool listening) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr* const generic = static_cast<sockaddr*>(static_cast<void*>(&address));
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(socket_, generic, size), 0);
    EXPECT_EQ(getsockname(socket_, generic, &size), 0);
    if (listening) {
      EXPECT_EQ(listen(socket_, 1), 0);
    }
    address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  }
  ~SilentPort() { close(socket_); }

  const std::string& address() const { return address_; }

 private:
  const int socket_;
  std::string address_;
};

TEST(UnreachableTest, ARefusedConnectionIsToldAtOnce) {
  const SilentPort port(/*listening=*/false);
  v1::HitResponse response;
  const CallStatus status = Dial(port.address(), kPatient)->Call(v1::HitRequest(), &response);
  EXPECT_EQ(status.code, absl::StatusCode::kUnavailable);
  EXPECT_TRUE(status.unreachable);
  EXPECT_NE(status.message.find("Connection refused"), std::string::npos) << status.message;
}

TEST(UnreachableTest, AServerThatNeverSpeaksIsUnreachableAtTheDeadline) {
  const SilentPort port(/*listening=*/true);
  v1::HitResponse response;
  const CallStatus status = Dial(port.address(), kImpatient)->Call(v1::HitRequest(), &response);
  EXPECT_EQ(status.code, absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(status.unreachable);
}

}  // namespace
}  // namespace sluice::cli
