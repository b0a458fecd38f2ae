// A connection that carries bytes both ways.
#ifndef SLUICE_IO_STREAM_H_
#define SLUICE_IO_STREAM_H_

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "io/endpoint.h"
#include "io/event_loop.h"
#include "io/tls.h"

namespace sluice {

// On one loop, all of it. Destroying it closes it, and nothing is told any more.
class Stream {
 public:
  // Each call may destroy the stream. Outlives it.
  class Listener {
   public:
    virtual ~Listener() = default;
    // Once, when bytes can go: the TLS handshake is over, too.
    virtual void OnConnected() = 0;
    virtual void OnData(absl::string_view bytes) = 0;
    // Once, and nothing after it. The error says whether it could not be connected or was cut, by
    // whom, and names the endpoint.
    virtual void OnClosed(const absl::Status& why) = 0;
  };

  virtual ~Stream() = default;

  // To be called once it is connected. Bytes of one wakeup go out together at its end; what the
  // socket does not take waits, without a bound: its owner bounds what it has in flight.
  virtual void Write(absl::string_view bytes) = 0;
  // Bytes that the socket has not taken yet.
  virtual size_t unsent() const = 0;
};

// Begins to connect; there is no timeout, whoever is impatient destroys it. Names are resolved on
// a thread that all streams share, so that a slow name server holds up no loop. Of a name's
// addresses each is tried in turn. `tls` is null for plain TCP, and is not used with a Unix socket.
std::unique_ptr<Stream> Connect(EventLoop& loop, const Endpoint& endpoint,
                                std::shared_ptr<const TlsClient> tls, Stream::Listener& listener);

}  // namespace sluice

#endif  // SLUICE_IO_STREAM_H_
