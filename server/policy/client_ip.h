// Who the client is, behind proxies.
#ifndef SLUICE_POLICY_CLIENT_IP_H_
#define SLUICE_POLICY_CLIENT_IP_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "core/ip_address.h"

namespace sluice {

// Whom to believe, and how far to tell IPv6 clients apart. Without trusted proxies nobody is
// believed.
struct ClientIpPolicy {
  std::vector<Cidr> trusted_proxies;
  // Lower-case, in the order in which they are asked. `forwarded` (RFC 7239) and `x-forwarded-for`
  // are chains, to which each proxy appends who spoke to it; any other is one address.
  std::vector<std::string> headers;
  // 0 to 128. Clients whose first bits are the same are one; 128 tells all apart.
  int ipv6_prefix = 128;
};

struct ClientAddress {
  std::string address;  // canonical text, for matchers
  std::string folded;   // for counters: a network (`2001:db8:1:2::/64`) when folded, else the same
};

// `remote_address` is who spoke to us (a port behind it is cut); when that is no IP address (a
// socket's path, a name), both texts are it as it came. `header` gives a header's value by its
// lower-case name, repeated headers joined with commas, and nothing for an absent one.
// Thread-safe; bounded: of a chain the last 64 hops are read.
//
// A trusted proxy is believed who its peer was, and nobody else is believed anything:
//
// - When the remote address is no trusted proxy, it is the client, whatever the headers are.
// - Else the first header that gives an address gives the client; when none does, it is the remote
//   address.
// - A chain is walked from its end, where the nearest proxy wrote. The first hop that is no trusted
//   proxy is the client; when all are, it is the furthest. What is no address (`unknown`,
//   `_hidden`, nothing between two commas, bytes) ends the walk as the chain's beginning does: who
//   wrote what stands before it is not known to be trusted. When it ends before any address, the
//   header gives none.
// - An element of `forwarded` must be well-formed, with one `for`. Elements are told apart from the
//   end, too, so that a quote that a client opened does not swallow what a proxy appended.
// - A header that is one address gives none when it has several.
ClientAddress ResolveClient(const ClientIpPolicy& policy, absl::string_view remote_address,
                            absl::FunctionRef<absl::string_view(absl::string_view)> header);

}  // namespace sluice

#endif  // SLUICE_POLICY_CLIENT_IP_H_
