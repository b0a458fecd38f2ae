#include "core/digest.h"

#include <openssl/evp.h>

namespace sluice {
namespace {

std::string Digest(absl::string_view bytes, const EVP_MD* kind) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, kind, nullptr);
  return std::string(digest, digest + size);
}

}  // namespace

std::string Sha256(absl::string_view bytes) { return Digest(bytes, EVP_sha256()); }
std::string Sha1(absl::string_view bytes) { return Digest(bytes, EVP_sha1()); }

}  // namespace sluice
