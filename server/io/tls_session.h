// One connection's TLS, apart from its socket.
#ifndef SLUICE_IO_TLS_SESSION_H_
#define SLUICE_IO_TLS_SESSION_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

// Bytes go in and come out; who owns it moves them. Not thread-safe. After an error only
// TakeWire is left to be called, which has the alert that the server should get.
class TlsSession {
 public:
  virtual ~TlsSession() = default;

  // What came from the socket.
  virtual void Feed(absl::string_view wire) = 0;
  // Goes as far as what was fed allows; true once the handshake is over. The error says in words
  // why the server's certificate was not accepted.
  virtual absl::StatusOr<bool> Handshake() = 0;
  // Once the handshake is over. How many bytes were written into `into`: 0 when more must be fed
  // first. OutOfRange: the server has said that nothing more will come.
  virtual absl::StatusOr<size_t> Read(absl::Span<char> into) = 0;
  // Once the handshake is over.
  virtual absl::Status Write(absl::string_view bytes) = 0;
  // Appends what has to go to the socket. To be called after each of the above.
  virtual void TakeWire(std::string& wire) = 0;
};

}  // namespace sluice

#endif  // SLUICE_IO_TLS_SESSION_H_
