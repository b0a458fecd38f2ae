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
#include "sluice/v1/admin.grpc.pb.h"
#include "sluice/v1/limiter.grpc.pb.h"
#include "tests/fakes/certificates.h"

namespace sluice::cli {
namespace {

using ::envoy::service::ratelimit::v3::RateLimitRequest;
using ::envoy::service::ratelimit::v3::RateLimitResponse;
using ::envoy::service::ratelimit::v3::RateLimitService;

constexpr int64_t kPatient = 30'000'000;
constexpr int64_t kImpatient = 50'000;

Target At(const std::string& address, int64_t timeout_us = kPatient) {
  return {address, "127.0.0.1:1", timeout_us, absl::nullopt};
}

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
  grpc::Status ShouldLimit(grpc::ServerContext*, const v1::ShouldLimitRequest* request,
                           v1::ShouldLimitResponse* response) override {
    response->set_limited_by(absl::StrCat("should limit ", request->path()));
    return grpc::Status::OK;
  }
  grpc::Status Reset(grpc::ServerContext*, const v1::ResetRequest*,
                     v1::ResetResponse* response) override {
    response->set_keys_reset(3);
    return grpc::Status::OK;
  }
};

class FakeAdmin final : public v1::Admin::Service {
 public:
  grpc::Status GetPolicy(grpc::ServerContext*, const v1::GetPolicyRequest*,
                         v1::GetPolicyResponse* response) override {
    response->set_yaml("get");
    return grpc::Status::OK;
  }
  grpc::Status ReloadPolicy(grpc::ServerContext*, const v1::ReloadPolicyRequest*,
                            v1::ReloadPolicyResponse* response) override {
    response->set_generation(7);
    return grpc::Status::OK;
  }
  grpc::Status ListThrottles(grpc::ServerContext*, const v1::ListThrottlesRequest*,
                             v1::ListThrottlesResponse* response) override {
    response->add_throttles()->set_uid("list");
    return grpc::Status::OK;
  }
  grpc::Status Explain(grpc::ServerContext*, const v1::ExplainRequest* request,
                       v1::ExplainResponse* response) override {
    response->add_rows()->set_identifier(request->hit().identifier());
    return grpc::Status::OK;
  }
  grpc::Status SetOverride(grpc::ServerContext*, const v1::SetOverrideRequest* request,
                           v1::SetOverrideResponse* response) override {
    *response->mutable_override() = request->override();
    return grpc::Status::OK;
  }
  grpc::Status SetBreaker(grpc::ServerContext*, const v1::SetBreakerRequest* request,
                          v1::SetBreakerResponse*) override {
    return {grpc::StatusCode::NOT_FOUND, absl::StrCat("no ", request->backend())};
  }
  grpc::Status ResetAll(grpc::ServerContext*, const v1::ResetAllRequest*,
                        v1::ResetAllResponse* response) override {
    response->set_keys_reset(9);
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
    return Dial(At(address_, timeout_us))->Call(request, &hit_);
  }

  FakeLimiter limiter_;
  FakeRls rls_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  v1::HitResponse hit_;
};

TEST_F(RemoteTest, EachRequestHasItsMethod) {
  const std::unique_ptr<Remote> remote = Dial(At(address_));
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

  v1::ShouldLimitRequest should_limit;
  should_limit.set_path("/login");
  v1::ShouldLimitResponse told;
  ASSERT_TRUE(remote->Call(should_limit, &told).ok());
  EXPECT_EQ(told.limited_by(), "should limit /login");

  v1::ResetResponse reset;
  ASSERT_TRUE(remote->Call(v1::ResetRequest(), &reset).ok());
  EXPECT_EQ(reset.keys_reset(), 3u);
}

TEST_F(RemoteTest, AdminIsAskedAtItsOwnAddress) {
  FakeAdmin admin;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&admin);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  Target target = At(address_);
  target.admin_address = absl::StrCat("127.0.0.1:", port);
  const std::unique_ptr<Remote> remote = Dial(target);

  v1::GetPolicyResponse policy;
  ASSERT_TRUE(remote->Call(v1::GetPolicyRequest(), &policy).ok());
  EXPECT_EQ(policy.yaml(), "get");
  v1::ReloadPolicyResponse reloaded;
  ASSERT_TRUE(remote->Call(v1::ReloadPolicyRequest(), &reloaded).ok());
  EXPECT_EQ(reloaded.generation(), 7u);
  v1::ListThrottlesResponse list;
  ASSERT_TRUE(remote->Call(v1::ListThrottlesRequest(), &list).ok());
  EXPECT_EQ(list.throttles(0).uid(), "list");
  v1::ExplainRequest explain;
  explain.mutable_hit()->set_identifier("alice");
  v1::ExplainResponse explained;
  ASSERT_TRUE(remote->Call(explain, &explained).ok());
  EXPECT_EQ(explained.rows(0).identifier(), "alice");
  v1::SetOverrideRequest change;
  change.mutable_override()->set_throttle("x");
  v1::SetOverrideResponse changed;
  ASSERT_TRUE(remote->Call(change, &changed).ok());
  EXPECT_EQ(changed.override().throttle(), "x");
  v1::SetBreakerRequest breaker;
  breaker.set_backend("shared");
  v1::SetBreakerResponse forced;
  EXPECT_EQ(remote->Call(breaker, &forced).message, "no shared");
  v1::ResetAllResponse reset;
  ASSERT_TRUE(remote->Call(v1::ResetAllRequest(), &reset).ok());
  EXPECT_EQ(reset.keys_reset(), 9u);

  ASSERT_TRUE(remote->Call(v1::HitRequest(), &hit_).ok());
}

TEST_F(RemoteTest, SpeaksTlsAsWhomItIsToldToBe) {
  const CertificateAuthority ca("Test CA");
  const Identity identity = ca.Issue("server", "DNS:localhost,IP:127.0.0.1");
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = ca.certificate();
  options.pem_key_cert_pairs.push_back({identity.key, identity.certificate});
  FakeLimiter limiter;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port);
  builder.RegisterService(&limiter);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  Target target = At(absl::StrCat("127.0.0.1:", port));

  const Identity client = ca.Issue("ops");
  target.tls = Tls{ca.certificate(), client.certificate, client.key};
  EXPECT_TRUE(Dial(target)->Call(v1::HitRequest(), &hit_).ok());
  target.tls = Tls{ca.certificate(), "", ""};
  EXPECT_EQ(Dial(target)->Call(v1::HitRequest(), &hit_).code, absl::StatusCode::kUnavailable);
  target.tls = Tls{CertificateAuthority("Stranger").certificate(), client.certificate, client.key};
  const CallStatus strange = Dial(target)->Call(v1::HitRequest(), &hit_);
  EXPECT_TRUE(strange.unreachable);
  EXPECT_NE(strange.message.find("SSL"), std::string::npos) << strange.message;
  target.tls = absl::nullopt;
  EXPECT_EQ(Dial(target)->Call(v1::HitRequest(), &hit_).code, absl::StatusCode::kUnavailable);
}

TEST_F(RemoteTest, DescriptorsAreBytes) {
  RateLimitRequest request;
  request.add_descriptors()->add_entries()->set_value("\xFF");
  RateLimitResponse response;
  ASSERT_TRUE(Dial(At(address_))->Call(request, &response).ok());
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
  const CallStatus status = Dial(At(port.address()))->Call(v1::HitRequest(), &response);
  EXPECT_EQ(status.code, absl::StatusCode::kUnavailable);
  EXPECT_TRUE(status.unreachable);
  EXPECT_NE(status.message.find("Connection refused"), std::string::npos) << status.message;
}

TEST(UnreachableTest, AServerThatNeverSpeaksIsUnreachableAtTheDeadline) {
  const SilentPort port(/*listening=*/true);
  v1::HitResponse response;
  const CallStatus status = Dial(At(port.address(), kImpatient))->Call(v1::HitRequest(), &response);
  EXPECT_EQ(status.code, absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(status.unreachable);
}

}  // namespace
}  // namespace sluice::cli
