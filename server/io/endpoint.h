// Where a server listens.
#ifndef SLUICE_IO_ENDPOINT_H_
#define SLUICE_IO_ENDPOINT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// A TCP port on a host (a name, an IPv4 or an IPv6 address), or a Unix socket.
struct Endpoint {
  std::string host;
  uint16_t port = 0;
  std::string unix_path;  // not empty: the socket's path, and the others mean nothing

  // `host:port`, `[::1]:port`, or `unix:/path`. A host alone gets `default_port`; 0: it has to name
  // one. The error is one line that says what is wrong and what would be right.
  static absl::StatusOr<Endpoint> Parse(absl::string_view text, uint16_t default_port = 0);
  std::string ToString() const;

  friend bool operator==(const Endpoint& a, const Endpoint& b) {
    return a.host == b.host && a.port == b.port && a.unix_path == b.unix_path;
  }
  friend bool operator<(const Endpoint& a, const Endpoint& b) {
    if (a.host != b.host) return a.host < b.host;
    if (a.port != b.port) return a.port < b.port;
    return a.unix_path < b.unix_path;
  }
};

}  // namespace sluice

#endif  // SLUICE_IO_ENDPOINT_H_
