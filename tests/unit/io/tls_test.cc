#include "io/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "io/stream.h"
#include "tests/fakes/blocking_server.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/on_loop.h"
#include "tests/fakes/stream_client.h"
#include "tests/fakes/temp_folder.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The server's side of one connection, blocking.
class TlsPeer {
 public:
  TlsPeer(SSL_CTX& context, ServedPeer peer) : peer_(std::move(peer)), ssl_(SSL_new(&context)) {
    SSL_set_fd(ssl_.get(), peer_.fd());
  }

  bool Handshake() { return SSL_accept(ssl_.get()) == 1; }
  void Send(const std::string& bytes) {
    EXPECT_EQ(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())), bytes.size());
  }
  std::string Read(size_t size) {
    std::string all(size, '\0');
    size_t got = 0;
    while (got < size) {
      const int now = SSL_read(ssl_.get(), all.data() + got, static_cast<int>(size - got));
      if (now <= 0) break;
      got += static_cast<size_t>(now);
    }
    all.resize(got);
    return all;
  }
  void EndSending() { SSL_shutdown(ssl_.get()); }
  void ChangeKeys() { SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED); }
  std::string server_name() const {
    const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? "" : name;
  }
  bool has_client_certificate() const { return SSL_get0_peer_certificate(ssl_.get()) != nullptr; }
  int version() const { return SSL_version(ssl_.get()); }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  ServedPeer peer_;
  const std::unique_ptr<SSL, Free> ssl_;
};

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() : server_(BlockingServer::OnIpv4()), context_(SSL_CTX_new(TLS_server_method())) {
    // The server's side writes into its socket without further ado.
    std::signal(SIGPIPE, SIG_IGN);
  }

  void ServeAs(const std::string& names, const CertificateAuthority& authority) {
    const Identity identity = authority.Issue("redis", names);
    const std::string cert = folder_.Write("server.pem", identity.certificate);
    const std::string key = folder_.Write("server.key", identity.key);
    ASSERT_EQ(SSL_CTX_use_certificate_chain_file(context_.get(), cert.c_str()), 1);
    ASSERT_EQ(SSL_CTX_use_PrivateKey_file(context_.get(), key.c_str(), SSL_FILETYPE_PEM), 1);
  }
  void WantClientCertificates() {
    const std::string ca = folder_.Write("ca.pem", authority_.certificate());
    ASSERT_EQ(SSL_CTX_load_verify_file(context_.get(), ca.c_str()), 1);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }

  TlsClientOptions Options(const std::string& server_name = "") {
    TlsClientOptions options;
    options.ca_file = folder_.Write("ca.pem", authority_.certificate());
    options.server_name = server_name;
    return options;
  }
  std::unique_ptr<StreamClient> Connect(const TlsClientOptions& options,
                                        const std::string& host = "127.0.0.1") {
    auto tls = NewTlsClient(options);
    EXPECT_TRUE(tls.ok()) << tls.status();
    return std::make_unique<StreamClient>(*loop_, Endpoint{host, server_.endpoint().port, ""},
                                          tls.value());
  }
  TlsPeer Accept() { return TlsPeer(*context_, server_.Accept()); }

  // Why a client with these options does not connect.
  std::string Refusal(const TlsClientOptions& options) {
    const auto client = Connect(options);
    TlsPeer peer = Accept();
    EXPECT_FALSE(peer.Handshake());
    const std::string why(client->WaitClosed().message());
    EXPECT_EQ(client->times_connected(), 0);
    return why;
  }

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  const TempFolder folder_;
  const CertificateAuthority authority_{"sluice test"};
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  const std::unique_ptr<EventLoop> loop_ = NewEventLoop(*clock_);
  BlockingServer server_;
  const std::unique_ptr<SSL_CTX, Free> context_;
};

TEST_F(TlsTest, CarriesBytesBothWaysUnderTheServersName) {
  ServeAs("DNS:redis.internal", authority_);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_CTX_set_max_proto_version(context_.get(), version);
    const auto client = Connect(Options("redis.internal"));
    TlsPeer peer = Accept();
    ASSERT_TRUE(peer.Handshake());
    EXPECT_EQ(peer.version(), version);
    EXPECT_EQ(peer.server_name(), "redis.internal");
    ASSERT_TRUE(client->WaitConnected());
    client->Write("ping");
    EXPECT_EQ(peer.Read(4), "ping");
    peer.Send("pong!");
    EXPECT_EQ(client->WaitData(5), "pong!");
    peer.EndSending();
    EXPECT_THAT(std::string(client->WaitClosed().message()),
                HasSubstr("was cut: the server has closed the connection"));
  }
}

TEST_F(TlsTest, TakesTheEndpointsHostForTheName) {
  ServeAs("DNS:localhost,IP:127.0.0.1", authority_);
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto client = Connect(Options(), host);
    TlsPeer peer = Accept();
    ASSERT_TRUE(peer.Handshake());
    EXPECT_TRUE(client->WaitConnected());
  }
}

TEST_F(TlsTest, RefusesAnotherName) {
  ServeAs("DNS:other.internal", authority_);
  EXPECT_THAT(Refusal(Options("redis.internal")),
              AllOf(HasSubstr("cannot connect to " + server_.endpoint().ToString()),
                    HasSubstr("the server's certificate is not accepted: hostname mismatch "
                              "(expected: redis.internal)")));
}

TEST_F(TlsTest, RefusesAnotherAddress) {
  ServeAs("IP:127.0.0.2,DNS:127.0.0.1", authority_);
  EXPECT_THAT(Refusal(Options()), HasSubstr("IP address mismatch (expected: 127.0.0.1)"));
}

TEST_F(TlsTest, RefusesAnotherAuthority) {
  ServeAs("DNS:redis.internal", CertificateAuthority("somebody else"));
  EXPECT_THAT(Refusal(Options("redis.internal")),
              HasSubstr("not accepted: unable to get local issuer certificate"));
  TlsClientOptions system = Options("redis.internal");
  system.ca_file.clear();
  EXPECT_THAT(Refusal(system), HasSubstr("not accepted"));
}

TEST_F(TlsTest, RefusesOldVersions) {
  ServeAs("DNS:redis.internal", authority_);
  SSL_CTX_set_security_level(context_.get(), 0);
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context_.get(), TLS1_1_VERSION);
  EXPECT_THAT(Refusal(Options("redis.internal")), HasSubstr("TLS: "));
}

TEST_F(TlsTest, ShowsItsCertificate) {
  ServeAs("DNS:redis.internal", authority_);
  WantClientCertificates();
  const Identity identity = authority_.Issue("sluice");
  TlsClientOptions options = Options("redis.internal");
  options.cert_file = folder_.Write("client.pem", identity.certificate);
  options.key_file = folder_.Write("client.key", identity.key);
  const auto client = Connect(options);
  TlsPeer peer = Accept();
  ASSERT_TRUE(peer.Handshake());
  EXPECT_TRUE(peer.has_client_certificate());
  ASSERT_TRUE(client->WaitConnected());
  client->Write("ping");
  EXPECT_EQ(peer.Read(4), "ping");
}

TEST_F(TlsTest, TellsThatTheServerWantsACertificate) {
  ServeAs("DNS:redis.internal", authority_);
  WantClientCertificates();
  const auto client = Connect(Options("redis.internal"));
  TlsPeer peer = Accept();
  EXPECT_FALSE(peer.Handshake());
  EXPECT_THAT(std::string(client->WaitClosed().message()), HasSubstr("certificate required"));
}

TEST_F(TlsTest, TellsThatTheServerSpeaksNoTls) {
  const auto client = Connect(Options("redis.internal"));
  ServedPeer peer = server_.Accept();
  peer.Send("-ERR what is this?\r\n");
  EXPECT_THAT(std::string(client->WaitClosed().message()), HasSubstr("TLS: wrong version number"));
}

TEST_F(TlsTest, TellsThatTheServerClosesInTheHandshake) {
  const auto client = Connect(Options("redis.internal"));
  server_.Accept().Close();
  EXPECT_THAT(std::string(client->WaitClosed().message()),
              AllOf(HasSubstr("cannot connect"),
                    AnyOf(HasSubstr("closed the connection"), HasSubstr("reset by peer"))));
}

TEST_F(TlsTest, CarriesMuch) {
  ServeAs("DNS:redis.internal", authority_);
  const auto client = Connect(Options("redis.internal"));
  TlsPeer peer = Accept();
  ASSERT_TRUE(peer.Handshake());
  ASSERT_TRUE(client->WaitConnected());
  std::string bytes;
  for (int i = 0; bytes.size() < 10'000'000; ++i) bytes += std::to_string(i);
  client->Write(bytes);
  EXPECT_TRUE(peer.Read(bytes.size()) == bytes);
  peer.ChangeKeys();
  peer.Send(bytes);
  EXPECT_TRUE(client->WaitData(bytes.size()) == bytes);
  client->Write("under new keys");
  EXPECT_EQ(peer.Read(14), "under new keys");
}

TEST_F(TlsTest, StreamsMayBeDestroyedInTheirCalls) {
  ServeAs("DNS:redis.internal", authority_);
  const auto tls = NewTlsClient(Options("redis.internal")).value();
  const StreamClient::Hooks when_connected = {[](StreamClient& one) {
                                                one.stream().Write("never sent");
                                                one.Drop();
                                              },
                                              nullptr, nullptr};
  const StreamClient::Hooks when_data_comes = {
      nullptr, [](StreamClient& one, absl::string_view) { one.Drop(); }, nullptr};
  for (const StreamClient::Hooks& hooks : {when_connected, when_data_comes}) {
    StreamClient client(*loop_, server_.endpoint(), tls, hooks);
    TlsPeer peer = Accept();
    ASSERT_TRUE(peer.Handshake());
    if (hooks.on_data) peer.Send("data");
    EXPECT_EQ(peer.Read(1), "");
    EXPECT_EQ(client.times_closed(), 0);
  }
}

TEST_F(TlsTest, OneClientServesManyLoops) {
  ServeAs("DNS:redis.internal", authority_);
  const auto tls = NewTlsClient(Options("redis.internal")).value();
  const auto other_loop = NewEventLoop(*clock_);
  StreamClient a(*loop_, server_.endpoint(), tls);
  StreamClient b(*other_loop, server_.endpoint(), tls);
  TlsPeer first = Accept();
  TlsPeer second = Accept();
  ASSERT_TRUE(first.Handshake());
  ASSERT_TRUE(second.Handshake());
  EXPECT_TRUE(a.WaitConnected());
  EXPECT_TRUE(b.WaitConnected());
}

TEST_F(TlsTest, ReadsFilesAgainOnceTheyHaveChanged) {
  ServeAs("DNS:redis.internal", authority_);
  WantClientCertificates();
  TlsClientOptions options = Options("redis.internal");
  options.cert_file = folder_ / "client.pem";
  options.key_file = folder_ / "client.key";
  const auto write = [&](const Identity& identity) {
    std::filesystem::rename(folder_.Write("new.pem", identity.certificate), options.cert_file);
    std::filesystem::rename(folder_.Write("new.key", identity.key), options.key_file);
  };
  std::vector<std::string> wrong;
  options.on_wrong_files = [&wrong](const absl::Status& status) {
    wrong.emplace_back(status.message());
  };
  write(CertificateAuthority("somebody else").Issue("sluice"));
  const auto tls = NewTlsClient(options).value();
  const auto is_let_in = [&] {
    StreamClient client(*loop_, Endpoint{"127.0.0.1", server_.endpoint().port, ""}, tls);
    return Accept().Handshake();
  };
  EXPECT_FALSE(is_let_in());
  const Identity renewed = authority_.Issue("sluice");
  write(renewed);
  EXPECT_TRUE(is_let_in());
  EXPECT_THAT(wrong, IsEmpty());

  // A certificate is there before its key.
  const Identity next = authority_.Issue("sluice");
  write({next.certificate, renewed.key});
  EXPECT_TRUE(is_let_in());
  EXPECT_TRUE(is_let_in());
  EXPECT_THAT(wrong, ElementsAre("key_file " + options.key_file + ": key values mismatch"));
  write(next);
  EXPECT_TRUE(is_let_in());
  EXPECT_EQ(wrong.size(), 1);

  std::filesystem::remove(options.ca_file);
  std::filesystem::create_directory(options.ca_file);
  EXPECT_TRUE(is_let_in());
  EXPECT_EQ(wrong.back(), "ca_file " + options.ca_file + ": not a regular file");
}

TEST_F(TlsTest, NamesTheFileThatIsWrong) {
  const auto error_of = [](const TlsClientOptions& options) {
    return std::string(NewTlsClient(options).status().message());
  };
  TlsClientOptions options = Options();
  options.ca_file = folder_ / "none.pem";
  EXPECT_EQ(error_of(options), "ca_file " + options.ca_file + ": No such file or directory");
  options.ca_file = folder_.Write("broken.pem", "no certificate");
  EXPECT_THAT(error_of(options), HasSubstr("ca_file " + options.ca_file + ": no "));

  const Identity identity = authority_.Issue("sluice");
  options = Options();
  options.cert_file = folder_.Write("client.pem", identity.certificate);
  EXPECT_THAT(error_of(options), HasSubstr("stand together"));
  options.key_file = folder_.Write("other.key", authority_.Issue("other").key);
  EXPECT_EQ(error_of(options), "key_file " + options.key_file + ": key values mismatch");
  const std::string there = std::exchange(options.key_file, folder_ / "none.key");
  EXPECT_EQ(error_of(options), "key_file " + options.key_file + ": No such file or directory");
  options.key_file = there;
  options.cert_file = folder_.Write("broken.pem", "no certificate");
  EXPECT_THAT(error_of(options), HasSubstr("cert_file " + options.cert_file + ": no start line"));
}

}  // namespace
}  // namespace sluice
