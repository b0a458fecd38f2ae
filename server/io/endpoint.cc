#include "io/endpoint.h"

#include <sys/un.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "core/ip_address.h"

namespace sluice {
namespace {

constexpr size_t kMaxHost = 253;  // of a name in DNS
constexpr size_t kMaxQuoted = 100;
constexpr size_t kMaxUnixPath = sizeof(sockaddr_un::sun_path) - 1;

absl::Status Wrong(absl::string_view text, absl::string_view why) {
  // What stands before an '@' may be a password.
  const bool secret = absl::StrContains(text, '@');
  const std::string shown = secret ? std::string("an address with '@'")
                                   : absl::StrCat("`", absl::CHexEscape(text.substr(0, kMaxQuoted)),
                                                  text.size() > kMaxQuoted ? "..." : "", "`");
  return absl::InvalidArgumentError(absl::StrCat(shown, ": ", why));
}

bool IsHostName(absl::string_view host) {
  return !host.empty() && host.size() <= kMaxHost &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ||
                  c == '.';
         });
}

absl::optional<uint16_t> ParsePort(absl::string_view text) {
  uint32_t port = 0;
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
  if (!digits || !absl::SimpleAtoi(text, &port) || port == 0 || port > 65535) return absl::nullopt;
  return static_cast<uint16_t>(port);
}

}  // namespace

absl::StatusOr<Endpoint> Endpoint::Parse(absl::string_view text, uint16_t default_port) {
  Endpoint endpoint;
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "unix:")) {
    if (rest.empty() || rest[0] != '/' || absl::StrContains(rest, '\0')) {
      return Wrong(text, "a Unix socket is unix:/PATH, with its whole path");
    }
    if (rest.size() > kMaxUnixPath) {
      return Wrong(text,
                   absl::StrCat("the path of a Unix socket has at most ", kMaxUnixPath, " bytes"));
    }
    endpoint.unix_path = std::string(rest);
    return endpoint;
  }
  if (absl::ConsumePrefix(&rest, "[")) {
    const size_t end = rest.find(']');
    const absl::string_view host = rest.substr(0, end);
    const absl::optional<IpAddress> address = IpAddress::Parse(host);
    if (end == absl::string_view::npos || !address.has_value() || !absl::StrContains(host, ':')) {
      return Wrong(text, "only an IPv6 address stands in brackets: [::1]:PORT");
    }
    endpoint.host = std::string(host);
    rest.remove_prefix(end + 1);
  } else {
    const absl::string_view host = rest.substr(0, rest.find(':'));
    rest.remove_prefix(host.size());
    if (absl::StrContains(rest.substr(std::min<size_t>(1, rest.size())), ':') &&
        IpAddress::Parse(text).has_value()) {
      return Wrong(text, "an IPv6 address stands in brackets: [::1]:PORT");
    }
    if (!IsHostName(host)) {
      return Wrong(text, "it is not HOST:PORT, [IPV6]:PORT or unix:/PATH");
    }
    endpoint.host = std::string(host);
  }
  if (rest.empty()) {
    if (default_port == 0) return Wrong(text, "the port is missing: HOST:PORT");
    endpoint.port = default_port;
    return endpoint;
  }
  const absl::optional<uint16_t> port = rest[0] == ':' ? ParsePort(rest.substr(1)) : absl::nullopt;
  if (!port.has_value()) return Wrong(text, "the port is a number from 1 to 65535: HOST:PORT");
  endpoint.port = *port;
  return endpoint;
}

std::string Endpoint::ToString() const {
  if (!unix_path.empty()) return absl::StrCat("unix:", unix_path);
  if (absl::StrContains(host, ':')) return absl::StrCat("[", host, "]:", port);
  return absl::StrCat(host, ":", port);
}

}  // namespace sluice
