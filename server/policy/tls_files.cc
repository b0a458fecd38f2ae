#include "policy/tls_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 20;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;

// Instead of OpenSSL's own, which asks at the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

Bio Over(absl::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Certificate Next(BIO* bio) {
  return Certificate(PEM_read_bio_X509(bio, nullptr, NoPassphrase, nullptr));
}

// Why Next gave nothing: the text is over, or there is something broken in it.
bool TextIsOver() {
  const uint64_t error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

absl::Status Wrong(absl::string_view what) { return absl::InvalidArgumentError(what); }

}  // namespace

absl::StatusOr<std::string> ReadPemFile(const std::string& path) {
  const auto failed = [](absl::string_view why) {
    return absl::NotFoundError(absl::StrCat("the file cannot be read: ", why));
  };
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return failed(std::strerror(errno));
  // Opening a pipe would wait for its other end.
  if (!S_ISREG(info.st_mode)) return failed("it is no regular file");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return failed(std::strerror(errno));
  std::string text(kMaxBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return failed(std::strerror(errno));
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() > kMaxBytes) return Wrong("the file is longer than 1 MiB");
  return text;
}

absl::Status CheckCertificates(absl::string_view pem) {
  ERR_clear_error();
  const Bio bio = Over(pem);
  int count = 0;
  while (Next(bio.get()) != nullptr) ++count;
  const bool over = TextIsOver();
  ERR_clear_error();
  if (!over) return Wrong(absl::StrCat("certificate ", count + 1, " in the file is broken"));
  if (count == 0) return Wrong("the file has no certificate in PEM");
  return absl::OkStatus();
}

absl::Status CheckPrivateKey(absl::string_view pem, absl::string_view certificates) {
  const Bio key_bio = Over(pem);
  const Key key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, NoPassphrase, nullptr));
  const Bio bio = Over(certificates);
  const Certificate first = Next(bio.get());
  const bool fits =
      key != nullptr && first != nullptr && X509_check_private_key(first.get(), key.get()) == 1;
  ERR_clear_error();
  if (key == nullptr) return Wrong("the file has no private key in PEM without a passphrase");
  return fits ? absl::OkStatus() : Wrong("the key does not belong to the certificate");
}

}  // namespace sluice
