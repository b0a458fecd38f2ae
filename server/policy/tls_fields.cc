#include "policy/tls_fields.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/tls_files.h"

namespace sluice {
namespace {

// Reports what is wrong with the file that the field names.
void RefuseFile(FileReader& file, Field field, const absl::Status& status) {
  file.Refuse(*field.node,
              absl::StrCat("'", field.name, "' ", Found(*field.node), ": ", status.message()));
}

}  // namespace

absl::optional<std::string> ReadCertificates(FileReader& file, Field field, std::string& path) {
  path = file.Path(field).value_or("");
  if (path.empty()) return absl::nullopt;
  absl::StatusOr<std::string> pem = ReadPemFile(path);
  absl::Status status = pem.ok() ? CheckCertificates(*pem) : pem.status();
  if (status.ok()) return *std::move(pem);
  RefuseFile(file, field, status);
  return absl::nullopt;
}

void ReadKey(FileReader& file, Field field, const absl::optional<std::string>& certificates,
             std::string& path) {
  path = file.Path(field).value_or("");
  if (path.empty()) return;
  const absl::StatusOr<std::string> pem = ReadPemFile(path);
  // What a key belongs to cannot be told without the certificate, whose error is told already.
  const bool checkable = pem.ok() && certificates.has_value();
  const absl::Status status = checkable ? CheckPrivateKey(*pem, *certificates) : pem.status();
  if (!status.ok()) RefuseFile(file, field, status);
}

}  // namespace sluice
