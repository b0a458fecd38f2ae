// The addresses behind a name.
#ifndef SLUICE_IO_RESOLVER_H_
#define SLUICE_IO_RESOLVER_H_

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "io/event_loop.h"

namespace sluice {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// At least one, in the order in which they are to be tried; at most 16.
using SocketAddresses = std::vector<SocketAddress>;

// A question to the resolver. Destroying it, on its loop, takes it back: nothing is told any more,
// and the loop may end. Never waits for a name server.
class Lookup {
 public:
  virtual ~Lookup() = default;
};

// On the loop. `told` runs there once, never from within this call; it may destroy the lookup. An
// IPv4 or IPv6 address in text is answered in the loop's next wakeup; names are asked for on one
// thread of the process, one after the other. The error says why the name has no address, without
// the name.
std::unique_ptr<Lookup> Resolve(EventLoop& loop, const std::string& host, uint16_t port,
                                std::function<void(absl::StatusOr<SocketAddresses>)> told);

}  // namespace sluice

#endif  // SLUICE_IO_RESOLVER_H_
