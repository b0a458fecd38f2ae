// The client's side of TLS.
#ifndef SLUICE_IO_TLS_H_
#define SLUICE_IO_TLS_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sluice {

class TlsSession;

struct TlsClientOptions {
  std::string ca_file;      // PEM; empty: the system's authorities
  std::string cert_file;    // PEM; empty: no certificate of ours
  std::string key_file;     // PEM; stands where cert_file does
  std::string server_name;  // what the server's certificate must name; empty: the endpoint's host
  // Hears of files that have changed since and are wrong, once for each change; what was read
  // before goes on. Called by NewSession, on its thread; must not block. May be empty.
  std::function<void(const absl::Status&)> on_wrong_files;
};

// Keys and authorities, all read again for the next session when a file has changed. Thread-safe.
// TLS 1.2 or later; the server's certificate is always verified.
class TlsClient {
 public:
  virtual ~TlsClient() = default;
  // For one connection to `host`, a name or an address. The error: out of memory.
  virtual absl::StatusOr<std::unique_ptr<TlsSession>> NewSession(const std::string& host) const = 0;
};

// The error names the file that is wrong.
absl::StatusOr<std::shared_ptr<const TlsClient>> NewTlsClient(const TlsClientOptions& options);

}  // namespace sluice

#endif  // SLUICE_IO_TLS_H_
