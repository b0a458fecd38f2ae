#include "core/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

// In front of an IPv4 address that is written as IPv6.
constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kMappedBits = 96;

absl::Status BadCidr(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not a network: ", why,
                                                 " (for example 10.0.0.0/8 or fd00::/8)"));
}

}  // namespace

absl::optional<IpAddress> IpAddress::Parse(absl::string_view text) {
  if (text.find('\0') != absl::string_view::npos) return absl::nullopt;
  const bool v6 = absl::StrContains(text, ':');
  const std::string terminated(text.substr(0, v6 ? text.find('%') : text.size()));
  IpAddress address;
  address.v4_ = !v6;
  if (inet_pton(v6 ? AF_INET6 : AF_INET, terminated.c_str(), address.bytes_.data()) != 1) {
    return absl::nullopt;
  }
  if (v6 && std::equal(kMapped.begin(), kMapped.end(), address.bytes_.begin())) {
    std::copy(address.bytes_.begin() + kMapped.size(), address.bytes_.end(),
              address.bytes_.begin());
    std::fill(address.bytes_.begin() + 4, address.bytes_.end(), 0);
    address.v4_ = true;
  }
  return address;
}

std::string IpAddress::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  return text.data();
}

IpAddress IpAddress::Network(int prefix) const {
  IpAddress network = *this;
  for (int bit = prefix; bit < bits(); ++bit) {
    network.bytes_[static_cast<size_t>(bit / 8)] &= static_cast<unsigned char>(~(0x80 >> bit % 8));
  }
  return network;
}

absl::StatusOr<Cidr> Cidr::Parse(absl::string_view text) {
  const size_t slash = text.find('/');
  const absl::string_view host = text.substr(0, slash);
  const absl::optional<IpAddress> address = IpAddress::Parse(host);
  if (!address.has_value() || absl::StrContains(host, '%')) {
    return BadCidr(text, "there is no IP address in it");
  }
  int prefix = address->bits();
  if (slash != absl::string_view::npos) {
    const absl::string_view digits = text.substr(slash + 1);
    const bool mapped = address->is_v4() && absl::StrContains(host, ':');
    const int shift = mapped ? kMappedBits : 0;
    if (digits.empty() || digits.find_first_not_of("0123456789") != absl::string_view::npos ||
        !absl::SimpleAtoi(digits, &prefix) || prefix < shift || prefix > address->bits() + shift) {
      return BadCidr(text, absl::StrCat("its prefix is not a number from ", shift, " to ",
                                        address->bits() + shift));
    }
    prefix -= shift;
  }
  const Cidr cidr(address->Network(prefix), prefix);
  if (!(cidr.network_ == *address)) {
    return BadCidr(text, absl::StrCat("bits behind the prefix are set; ", cidr.ToString(),
                                      " is the network that it lies in"));
  }
  return cidr;
}

bool Cidr::Contains(const IpAddress& address) const {
  return address.is_v4() == network_.is_v4() && address.Network(prefix_) == network_;
}

std::string Cidr::ToString() const { return absl::StrCat(network_.ToString(), "/", prefix_); }

}  // namespace sluice
