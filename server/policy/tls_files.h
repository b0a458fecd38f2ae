// Certificates and keys in files, checked before somebody relies on them.
#ifndef SLUICE_POLICY_TLS_FILES_H_
#define SLUICE_POLICY_TLS_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Errors are one line without the file's name: "the file cannot be read: Permission denied".

// The text of a regular file of at most 1 MiB.
absl::StatusOr<std::string> ReadPemFile(const std::string& path);

// Whether the text has a certificate in PEM, and no broken one.
absl::Status CheckCertificates(absl::string_view pem);

// Whether the text has a private key in PEM, without a passphrase, that belongs to the first
// certificate of `certificates`, which CheckCertificates found right.
absl::Status CheckPrivateKey(absl::string_view pem, absl::string_view certificates);

}  // namespace sluice

#endif  // SLUICE_POLICY_TLS_FILES_H_
