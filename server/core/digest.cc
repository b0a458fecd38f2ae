#include "core/digest.h"

#include <openssl/evp.h>

namespace sluice {

std::string Sha256(absl::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  return std::string(digest, digest + size);
}

}  // namespace sluice
