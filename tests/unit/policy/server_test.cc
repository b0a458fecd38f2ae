// `server` of a configuration, with the files that it names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "policy/loader.h"
#include "policy/tls_files.h"
#include "tests/fakes/certificates.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr absl::string_view kTls =
    "{cert_file: tls/server.pem, key_file: tls/server.key, client_ca_file: tls/ca.pem}";

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    std::string pattern = (fs::temp_directory_path() / "sluice-server-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    const Identity identity = ca_.Issue("server", "DNS:localhost");
    Write("tls/server.pem", identity.certificate);
    Write("tls/server.key", identity.key);
    Write("tls/ca.pem", ca_.certificate());
  }
  ~ServerTest() override { fs::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  // A configuration with this `server`; `TLS` stands for a whole tls section.
  PolicyResult Load(absl::string_view server) const {
    Write("sluice.yaml",
          absl::StrCat("server: ", absl::StrReplaceAll(server, {{"TLS", kTls}}), "\n"));
    return LoadPolicyFile((folder_ / "sluice.yaml").string(), 1);
  }
  ServerSpec SpecOf(absl::string_view server) const {
    const PolicyResult result = Load(server);
    for (const PolicyError& error : result.errors) ADD_FAILURE() << error.ToString();
    return result.policy == nullptr ? ServerSpec() : result.policy->server;
  }
  // Without the folder, which differs from run to run.
  std::vector<std::string> ErrorsOf(absl::string_view server) const {
    std::vector<std::string> errors;
    for (const PolicyError& error : Load(server).errors) {
      errors.push_back(absl::StrReplaceAll(error.ToString(), {{folder_.string() + "/", ""}}));
    }
    return errors;
  }

  fs::path folder_;
  CertificateAuthority ca_{"Test CA"};
};

TEST_F(ServerTest, IsOpenOnThisHostUnlessToldOtherwise) {
  const ServerSpec spec = SpecOf("{}");
  EXPECT_EQ(spec.grpc_tls, absl::nullopt);
  EXPECT_EQ(spec.max_connection_age_us, absl::nullopt);
  EXPECT_EQ(spec.admin_address, "127.0.0.1:8082");
  EXPECT_FALSE(spec.admin_address_given);
  EXPECT_EQ(spec.admin_tls, absl::nullopt);
  EXPECT_TRUE(spec.auth.open());
  EXPECT_FALSE(spec.allow_reset);
}

TEST_F(ServerTest, FilesAreRelativeToTheConfiguration) {
  const std::string absolute = (folder_ / "tls/server.pem").string();
  const ServerSpec spec = SpecOf(absl::StrCat("{grpc: {tls: {cert_file: ", absolute,
                                              ", key_file: tls/server.key}}, admin: {tls: TLS}}"));
  ASSERT_TRUE(spec.grpc_tls.has_value());
  EXPECT_EQ(spec.grpc_tls->cert_file, absolute);
  EXPECT_EQ(spec.grpc_tls->key_file, (folder_ / "tls/server.key").string());
  EXPECT_EQ(spec.grpc_tls->client_ca_file, "");
  ASSERT_TRUE(spec.admin_tls.has_value());
  EXPECT_EQ(spec.admin_tls->client_ca_file, (folder_ / "tls/ca.pem").string());
}

TEST_F(ServerTest, ReadsWhoMayDoWhat) {
  const ServerSpec spec = SpecOf(
      "{grpc: {tls: TLS, max_connection_age: 1h}, allow_reset: true, auth: [\n"
      "  {mtls_san: 'spiffe://acme/*', tenants: [acme, '']},\n"
      "  {mtls_san: ops.example, tenants: ['*'], admin: true}]}");
  EXPECT_EQ(spec.max_connection_age_us, 3'600'000'000);
  EXPECT_TRUE(spec.allow_reset);
  ASSERT_THAT(spec.auth.rules(), SizeIs(2));
  const AuthRule& acme = spec.auth.rules()[0];
  EXPECT_EQ(acme.mtls_san, "spiffe://acme/*");
  EXPECT_THAT(acme.tenants, ElementsAre("acme", ""));
  EXPECT_FALSE(acme.admin);
  EXPECT_EQ(acme.position.file, (folder_ / "sluice.yaml").string());
  EXPECT_EQ(acme.position.line, 2);
  EXPECT_TRUE(spec.auth.rules()[1].admin);
}

TEST_F(ServerTest, AdminStaysOnThisHost) {
  for (const char* address :
       {"127.0.0.1:0", "127.9.9.9:8082", "[::1]:8082", "localhost:8082", "[::ffff:127.0.0.1]:1"}) {
    const ServerSpec spec = SpecOf(absl::StrCat("{admin: {address: '", address, "'}}"));
    EXPECT_EQ(spec.admin_address, address);
    EXPECT_TRUE(spec.admin_address_given);
  }
  EXPECT_EQ(SpecOf("{admin: {address: off}}").admin_address, "");
  for (const char* address : {"0.0.0.0:8082", "10.0.0.1:8082", "[::]:8082", "127.0.0.1.nip.io:1"}) {
    EXPECT_THAT(ErrorsOf(absl::StrCat("{admin: {address: '", address, "'}}")), SizeIs(1))
        << address;
  }
}

TEST_F(ServerTest, AdminIsForOthersOnlyWhenTheyAreKnown) {
  constexpr absl::string_view kAuth = "auth: [{mtls_san: ops, admin: true}]";
  const std::string elsewhere = "address: '0.0.0.0:8082'";
  EXPECT_EQ(
      SpecOf(absl::StrCat("{grpc: {tls: TLS}, admin: {", elsewhere, ", tls: TLS}, ", kAuth, "}"))
          .admin_address,
      "0.0.0.0:8082");
  for (const std::string& part :
       {absl::StrCat("admin: {", elsewhere, ", tls: TLS}"),  // any certificate would do
        absl::StrCat("admin: {", elsewhere, "}, ", kAuth),
        absl::StrCat("admin: {", elsewhere, ", tls: {cert_file: tls/server.pem, ",
                     "key_file: tls/server.key}}, ", kAuth)}) {
    EXPECT_THAT(ErrorsOf(absl::StrCat("{grpc: {tls: TLS}, ", part, "}")),
                ElementsAre(HasSubstr("Admin listens beyond this host only for callers that are "
                                      "known")))
        << part;
  }
}

TEST_F(ServerTest, AKeyMustFitItsCertificate) {
  Write("tls/server.key", ca_.Issue("other").key);
  EXPECT_THAT(ErrorsOf("{grpc: {tls: TLS}}"),
              ElementsAre("sluice.yaml:1:60: 'key_file' 'tls/server.key': the key does not belong "
                          "to the certificate"));
  Write("tls/server.key", ca_.certificate());
  EXPECT_THAT(ErrorsOf("{grpc: {tls: TLS}}"),
              ElementsAre("sluice.yaml:1:60: 'key_file' 'tls/server.key': the file has no private "
                          "key in PEM without a passphrase"));
}

TEST(TlsFilesTest, ChainsAreCertificates) {
  const CertificateAuthority ca("Test CA");
  const Identity identity = ca.Issue("server");
  const std::string chain = identity.certificate + ca.certificate();
  EXPECT_TRUE(CheckCertificates(chain).ok());
  EXPECT_TRUE(CheckPrivateKey(identity.key, chain).ok());
  EXPECT_TRUE(CheckCertificates(identity.key + chain).ok());
  EXPECT_FALSE(CheckPrivateKey(identity.key, ca.certificate()).ok());

  EXPECT_EQ(CheckCertificates("").message(), "the file has no certificate in PEM");
  EXPECT_EQ(CheckCertificates(identity.key).message(), "the file has no certificate in PEM");
  EXPECT_EQ(CheckCertificates(chain.substr(0, chain.size() - 40)).message(),
            "certificate 2 in the file is broken");
}

TEST(TlsFilesTest, AKeyBehindAPassphraseIsRefusedAndNobodyIsAsked) {
  constexpr absl::string_view kEncrypted =
      "-----BEGIN EC PRIVATE KEY-----\n"
      "Proc-Type: 4,ENCRYPTED\n"
      "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
      "AAAAAAAAAAAAAAAAAAAAAA==\n"
      "-----END EC PRIVATE KEY-----\n";
  const CertificateAuthority ca("Test CA");
  EXPECT_EQ(CheckPrivateKey(kEncrypted, ca.certificate()).message(),
            "the file has no private key in PEM without a passphrase");
}

TEST(TlsFilesTest, OnlyRegularFilesAreRead) {
  EXPECT_THAT(std::string(ReadPemFile("/dev/null").status().message()),
              HasSubstr("it is no regular file"));
  EXPECT_THAT(std::string(ReadPemFile("/no/such/file").status().message()),
              HasSubstr("the file cannot be read: No such file or directory"));
}

}  // namespace
}  // namespace sluice
