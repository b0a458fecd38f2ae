#include "io/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/ip_address.h"
#include "core/mutex.h"
#include "io/tls_session.h"

namespace sluice {
namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Context = std::shared_ptr<SSL_CTX>;

int Size(size_t size) {
  return static_cast<int>(std::min<size_t>(size, std::numeric_limits<int>::max()));
}

// What OpenSSL met first: what it met later tells where, not why.
std::string OpenSslError() {
  const unsigned long error = ERR_peek_error();
  if (error == 0) return "unknown error";
  if (ERR_SYSTEM_ERROR(error)) return std::strerror(ERR_GET_REASON(error));
  const char* const reason = ERR_reason_error_string(error);
  return reason == nullptr ? absl::StrCat("OpenSSL error ", error) : reason;
}

class Session final : public TlsSession {
 public:
  Session(SSL* ssl, BIO* from_wire, BIO* to_wire, std::string expected)
      : ssl_(ssl), from_wire_(from_wire), to_wire_(to_wire), expected_(std::move(expected)) {}

  void Feed(absl::string_view wire) override {
    // Memory is all that it can lack; then what follows is not understood, and the session ends.
    BIO_write(from_wire_, wire.data(), Size(wire.size()));
  }

  absl::StatusOr<bool> Handshake() override {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    if (done == 1) return true;
    const absl::Status error = ErrorOf(done);
    if (error.ok()) return false;
    const long verdict = SSL_get_verify_result(ssl_.get());
    if (verdict == X509_V_OK) return error;
    return absl::UnavailableError(absl::StrCat(
        "the server's certificate is not accepted: ", X509_verify_cert_error_string(verdict),
        " (expected: ", expected_, ")"));
  }

  absl::StatusOr<size_t> Read(absl::Span<char> into) override {
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), into.data(), Size(into.size()));
    if (got > 0) return static_cast<size_t>(got);
    absl::Status error = ErrorOf(got);
    if (error.ok()) return size_t{0};
    return error;
  }

  absl::Status Write(absl::string_view bytes) override {
    while (!bytes.empty()) {
      ERR_clear_error();
      const int written = SSL_write(ssl_.get(), bytes.data(), Size(bytes.size()));
      if (written <= 0) {
        absl::Status error = ErrorOf(written);
        // Memory takes all, and renegotiation is off.
        return error.ok() ? absl::InternalError("TLS: nothing can be written") : error;
      }
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return absl::OkStatus();
  }

  void TakeWire(std::string& wire) override {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(to_wire_, &bytes);
    if (size > 0) wire.append(bytes, static_cast<size_t>(size));
    (void)BIO_reset(to_wire_);
  }

 private:
  // OK when it wants nothing but to be fed.
  absl::Status ErrorOf(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return absl::OkStatus();
      case SSL_ERROR_ZERO_RETURN:
        return absl::OutOfRangeError("the server has closed the connection");
      default:
        return absl::UnavailableError(absl::StrCat("TLS: ", OpenSslError()));
    }
  }

  const std::unique_ptr<SSL, Free> ssl_;
  BIO* const from_wire_;  // both belong to ssl_
  BIO* const to_wire_;
  const std::string expected_;
};

// What changes of a file when it is written, replaced (also behind a symbolic link) or made
// readable.
struct Stamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t seconds = 0;
  int64_t nanoseconds = 0;

  static Stamp Of(const std::string& path) {
    struct stat about {};
    if (path.empty() || stat(path.c_str(), &about) != 0) return {};
    return {about.st_dev, about.st_ino, about.st_size, about.st_ctim.tv_sec, about.st_ctim.tv_nsec};
  }
  friend bool operator==(const Stamp&, const Stamp&) = default;
};
using Stamps = std::array<Stamp, 3>;

Stamps StampsOf(const TlsClientOptions& options) {
  return {Stamp::Of(options.ca_file), Stamp::Of(options.cert_file), Stamp::Of(options.key_file)};
}

absl::Status WrongFile(absl::string_view what, absl::string_view path) {
  return absl::InvalidArgumentError(absl::StrCat(what, " ", path, ": ", OpenSslError()));
}

// A key with a passphrase is an error, not a question on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

// A loop reads the files again: none of them may be one to wait for.
absl::Status CheckRegular(absl::string_view what, const std::string& path) {
  struct stat about {};
  if (path.empty()) return absl::OkStatus();
  const bool found = stat(path.c_str(), &about) == 0;
  if (found && S_ISREG(about.st_mode)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " ", path, ": ", found ? "not a regular file" : std::strerror(errno)));
}

absl::Status ReadFiles(SSL_CTX& context, const TlsClientOptions& options) {
  absl::Status regular = CheckRegular("ca_file", options.ca_file);
  regular.Update(CheckRegular("cert_file", options.cert_file));
  regular.Update(CheckRegular("key_file", options.key_file));
  if (!regular.ok()) return regular;
  ERR_clear_error();
  if (options.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(&context) != 1) {
      return absl::InternalError(absl::StrCat("the system's authorities: ", OpenSslError()));
    }
  } else if (SSL_CTX_load_verify_file(&context, options.ca_file.c_str()) != 1) {
    return WrongFile("ca_file", options.ca_file);
  }
  if (options.cert_file.empty() != options.key_file.empty()) {
    return absl::InvalidArgumentError("cert_file and key_file stand together, or neither does");
  }
  if (options.cert_file.empty()) return absl::OkStatus();
  SSL_CTX_set_default_passwd_cb(&context, NoPassphrase);
  if (SSL_CTX_use_certificate_chain_file(&context, options.cert_file.c_str()) != 1) {
    return WrongFile("cert_file", options.cert_file);
  }
  if (SSL_CTX_use_PrivateKey_file(&context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return WrongFile("key_file", options.key_file);
  }
  return absl::OkStatus();
}

absl::StatusOr<Context> NewContext(const TlsClientOptions& options) {
  Context context(SSL_CTX_new(TLS_client_method()), Free());
  if (context == nullptr) return absl::ResourceExhaustedError("TLS: out of memory");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  // Connections are few and long-lived: nothing is gained by resuming sessions.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  absl::Status read = ReadFiles(*context, options);
  if (!read.ok()) return read;
  return context;
}

class Client final : public TlsClient {
 public:
  Client(TlsClientOptions options, const Stamps& stamps, Context context)
      : options_(std::move(options)), stamps_(stamps), context_(std::move(context)) {}

  absl::StatusOr<std::unique_ptr<TlsSession>> NewSession(const std::string& host) const override {
    const std::string& expected = options_.server_name.empty() ? host : options_.server_name;
    std::unique_ptr<SSL, Free> ssl(SSL_new(Current().get()));
    if (ssl == nullptr) return absl::ResourceExhaustedError("TLS: out of memory");
    BIO* const from_wire = BIO_new(BIO_s_mem());
    BIO* const to_wire = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl.get(), from_wire, to_wire);
    if (from_wire == nullptr || to_wire == nullptr || !Expect(*ssl, expected)) {
      return absl::ResourceExhaustedError("TLS: out of memory");
    }
    SSL_set_connect_state(ssl.get());
    return std::make_unique<Session>(ssl.release(), from_wire, to_wire, expected);
  }

 private:
  static bool Expect(SSL& ssl, const std::string& name) {
    X509_VERIFY_PARAM* const param = SSL_get0_param(&ssl);
    if (IpAddress::Parse(name).has_value()) {
      return X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str()) == 1;
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, name.data(), name.size()) == 1 &&
           SSL_set_tlsext_host_name(&ssl, name.c_str()) == 1;
  }

  // Of the files as they are now; when they are wrong, as they were when they were right.
  Context Current() const {
    // Before they are read: what changes meanwhile is read next time.
    const Stamps stamps = StampsOf(options_);
    Context context;
    {
      MutexLock lock(mutex_);
      if (stamps == stamps_) return context_;
      context = context_;
    }
    absl::StatusOr<Context> renewed = NewContext(options_);
    bool tell = false;
    {
      MutexLock lock(mutex_);
      if (renewed.ok()) {
        stamps_ = stamps;
        context = context_ = *renewed;
      } else {
        tell = std::exchange(wrong_, stamps) != stamps;
      }
    }
    if (tell && options_.on_wrong_files) options_.on_wrong_files(renewed.status());
    return context;
  }

  const TlsClientOptions options_;
  mutable Mutex mutex_;
  mutable Stamps stamps_ ABSL_GUARDED_BY(mutex_);
  mutable Stamps wrong_ ABSL_GUARDED_BY(mutex_);  // that was told last
  mutable Context context_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::shared_ptr<const TlsClient>> NewTlsClient(const TlsClientOptions& options) {
  const Stamps stamps = StampsOf(options);
  absl::StatusOr<Context> context = NewContext(options);
  if (!context.ok()) return context.status();
  return std::make_shared<const Client>(options, stamps, *std::move(context));
}

}  // namespace sluice
