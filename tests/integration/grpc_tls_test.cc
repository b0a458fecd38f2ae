// TLS on the gRPC ports: who gets in, as whom, and who does not.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "sluice/v1/admin.grpc.pb.h"
#include "sluice/v1/limiter.grpc.pb.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/proto_matcher.h"
#include "tests/fakes/socket_client.h"
#include "tests/integration/node.h"
#include "transport/grpc/grpc_door.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr char kServerNames[] = "DNS:localhost,IP:127.0.0.1";

class GrpcTlsTest : public testing::Test {
 protected:
  GrpcTlsTest() {
    std::string pattern = (fs::temp_directory_path() / "sluice-tls-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    WriteServer(servers_);
    Write("clients.pem", clients_.certificate());
    tls_ = {Path("server.pem"), Path("server.key"), Path("clients.pem")};
    node_.Use("throttles: [{uid: plain, rate: 500/day}]");
  }
  ~GrpcTlsTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  // At once, as whoever changes the files of a running server does.
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / "new", std::ios::binary) << text;
    fs::rename(folder_ / "new", folder_ / name);
  }
  void WriteServer(const CertificateAuthority& ca) const {
    const Identity server = ca.Issue("server", kServerNames);
    Write("server.pem", server.certificate);
    Write("server.key", server.key);
  }

  void Open() {
    auto door = NewGrpcDoor({"127.0.0.1:0", tls_}, {node_.native, node_.ratelimit, node_.health,
                                                    *node_.telemetry, *node_.clock});
    ASSERT_TRUE(door.ok()) << door.status();
    door_ = *std::move(door);
  }
  // The Admin door, under a policy whose only administrators have this name.
  void OpenAdmin(absl::string_view san) {
    Write("sluice.yaml",
          absl::StrCat("server:\n  grpc: {tls: {cert_file: server.pem, key_file: server.key, ",
                       "client_ca_file: clients.pem}}\n  auth: [{mtls_san: '", san,
                       "', admin: true}]\n"));
    const PolicyResult policy = LoadPolicyFile(Path("sluice.yaml"), 1);
    for (const PolicyError& error : policy.errors) ADD_FAILURE() << error.ToString();
    node_.limiter.Publish(policy.policy, {Borrowed(node_.backend)});
    auto door = NewAdminDoor({"127.0.0.1:0", tls_}, {node_.admin, *node_.telemetry, *node_.clock});
    ASSERT_TRUE(door.ok()) << door.status();
    door_ = *std::move(door);
  }

  // With a connection of its own.
  std::shared_ptr<grpc::Channel> Connect(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", door_->port()), credentials,
                                     arguments);
  }
  std::shared_ptr<grpc::Channel> ConnectAs(const Identity& client,
                                           const CertificateAuthority& servers) const {
    return Connect(grpc::SslCredentials({servers.certificate(), client.key, client.certificate}));
  }
  std::shared_ptr<grpc::Channel> ConnectAs(const Identity& client) const {
    return ConnectAs(client, servers_);
  }

  static grpc::Status Hit(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    v1::HitResponse response;
    return v1::Limiter::NewStub(channel)->Hit(
        &context, ParseText<v1::HitRequest>("throttles: 'plain'"), &response);
  }
  static grpc::Status List(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    v1::ListThrottlesResponse response;
    return v1::Admin::NewStub(channel)->ListThrottles(&context, v1::ListThrottlesRequest(),
                                                      &response);
  }

  const CertificateAuthority servers_{"Servers"};
  const CertificateAuthority clients_{"Clients"};
  fs::path folder_;
  TlsSpec tls_;
  Node node_;
  std::unique_ptr<GrpcDoor> door_;
};

TEST_F(GrpcTlsTest, AClientWithACertificateGetsIn) {
  Open();
  EXPECT_TRUE(Hit(ConnectAs(clients_.Issue("web", "DNS:web.example"))).ok());
}

TEST_F(GrpcTlsTest, ClientsWithoutACertificateOfTheAuthorityAreRefused) {
  Open();
  const CertificateAuthority strangers("Clients");
  EXPECT_EQ(Hit(Connect(grpc::SslCredentials({servers_.certificate(), "", ""}))).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Hit(ConnectAs(strangers.Issue("web", "DNS:web.example"))).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(Hit(ConnectAs(clients_.Issue("web"))).ok());
}

TEST_F(GrpcTlsTest, WithoutAnAuthorityForClientsTheyShowNone) {
  tls_.client_ca_file.clear();
  Open();
  EXPECT_TRUE(Hit(Connect(grpc::SslCredentials({servers_.certificate(), "", ""}))).ok());
}

TEST_F(GrpcTlsTest, WhatIsNotTlsIsRefusedAndHarmsNothing) {
  Open();
  EXPECT_EQ(Hit(Connect(grpc::InsecureChannelCredentials())).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(Exchange(door_->port(), "GET / HTTP/1.1\r\n\r\n"), Not(HasSubstr("HTTP")));
  EXPECT_TRUE(Hit(ConnectAs(clients_.Issue("web"))).ok());
}

TEST_F(GrpcTlsTest, ChangedFilesCountForNewConnections) {
  Open();
  const Identity web = clients_.Issue("web");
  const auto old = ConnectAs(web);
  EXPECT_TRUE(Hit(old).ok());
  const CertificateAuthority next("Servers, the next year");
  WriteServer(next);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!Hit(ConnectAs(web, next)).ok()) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
    std::this_thread::yield();
  }
  EXPECT_EQ(Hit(ConnectAs(web, servers_)).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(Hit(old).ok());
}

TEST_F(GrpcTlsTest, CallersAreTheNamesInTheirCertificates) {
  const Identity named =
      clients_.Issue("ops", "URI:spiffe://acme/ops,DNS:ops.acme.example,email:ops@acme.example");
  const Identity bare = clients_.Issue("ops");
  const struct {
    const char* san;
    bool named;  // whether it is a name of the first certificate
    bool bare;   // and of the second
  } cases[] = {
      {"spiffe://acme/*", true, false},
      {"ops.acme.example", true, false},
      {"ops@acme.example", true, false},
      {"spiffe://globex/*", false, false},
      {"ops", false, true},  // a common name counts only where there is no other
      {"*", true, true},
  };
  for (const auto& [san, named_may, bare_may] : cases) {
    SCOPED_TRACE(san);
    OpenAdmin(san);
    for (const auto& [client, may] : {std::pair(&named, named_may), std::pair(&bare, bare_may)}) {
      const grpc::Status status = List(ConnectAs(*client));
      EXPECT_EQ(status.error_code(),
                may ? grpc::StatusCode::OK : grpc::StatusCode::PERMISSION_DENIED);
    }
  }
}

TEST_F(GrpcTlsTest, ARefusedAdministratorIsToldWhy) {
  OpenAdmin("ops");
  const grpc::Status status = List(ConnectAs(clients_.Issue("web")));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::ErrorInfo info;
  ASSERT_EQ(details.details_size(), 1);
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "NOT_ALLOWED");
}

// Without an authority for clients gRPC verifies nothing, whatever they show.
TEST_F(GrpcTlsTest, WithoutAnAuthorityForClientsNobodyIsKnown) {
  tls_.client_ca_file.clear();
  OpenAdmin("*");
  EXPECT_EQ(List(ConnectAs(clients_.Issue("ops"))).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

}  // namespace
}  // namespace sluice
