// Names for contents.
#ifndef SLUICE_CORE_DIGEST_H_
#define SLUICE_CORE_DIGEST_H_

#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// The 32 bytes of the SHA-256 of `bytes`, not as hex.
std::string Sha256(absl::string_view bytes);
// The 20 bytes of the SHA-1, for protocols that name things by it; no proof against forgery.
std::string Sha1(absl::string_view bytes);

}  // namespace sluice

#endif  // SLUICE_CORE_DIGEST_H_
