// Addresses of clients and networks.
#ifndef SLUICE_CORE_IP_ADDRESS_H_
#define SLUICE_CORE_IP_ADDRESS_H_

#include <array>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace sluice {

// An IPv4 or IPv6 address. An IPv4 address that is mapped into IPv6 is the IPv4 address. A value.
class IpAddress {
 public:
  // Text as inet_pton takes it, nothing around it; an IPv6 zone (`%eth0`) is cut off.
  static absl::optional<IpAddress> Parse(absl::string_view text);

  bool is_v4() const { return v4_; }
  // The canonical text: RFC 5952 for IPv6.
  std::string ToString() const;

  // 32 or 128.
  int bits() const { return v4_ ? 32 : 128; }
  // All bits behind the first `prefix` (0 to bits()) are 0.
  IpAddress Network(int prefix) const;

  friend bool operator==(const IpAddress& a, const IpAddress& b) {
    return a.v4_ == b.v4_ && a.bytes_ == b.bytes_;
  }

 private:
  std::array<unsigned char, 16> bytes_{};  // IPv4 uses the first four
  bool v4_ = false;
};

// A network: an address and how many of its bits count. A value.
class Cidr {
 public:
  // `10.0.0.0/8`, `fd00::/8`; an address alone is a network of one. Bits behind the prefix that are
  // not 0 are an error, which names the network that was probably meant.
  static absl::StatusOr<Cidr> Parse(absl::string_view text);

  bool Contains(const IpAddress& address) const;
  std::string ToString() const;

 private:
  Cidr(const IpAddress& network, int prefix) : network_(network), prefix_(prefix) {}

  IpAddress network_;
  int prefix_;
};

}  // namespace sluice

#endif  // SLUICE_CORE_IP_ADDRESS_H_
