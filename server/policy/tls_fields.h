// Fields that name files with certificates and keys.
//
// Paths come back as sluiced opens them; what is wrong with a file is told of the field.
#ifndef SLUICE_POLICY_TLS_FIELDS_H_
#define SLUICE_POLICY_TLS_FIELDS_H_

#include <string>

#include "absl/types/optional.h"
#include "policy/reader.h"

namespace sluice {

// The text of the file of certificates that the field names, and its path in `path`; nullopt when
// absent or wrong.
absl::optional<std::string> ReadCertificates(FileReader& file, Field field, std::string& path);

// The path of the file with the private key of the first of `certificates`, which are nullopt when
// they could not be read.
void ReadKey(FileReader& file, Field field, const absl::optional<std::string>& certificates,
             std::string& path);

}  // namespace sluice

#endif  // SLUICE_POLICY_TLS_FIELDS_H_
