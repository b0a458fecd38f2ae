#include "policy/client_ip.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"

namespace sluice {
namespace {

constexpr int kMaxHops = 64;

bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("!#$%&'*+-.^_`|~", c);
}

// `:4711`, or what RFC 7239 lets stand for it (`:_hidden`); nothing is fine, too.
bool IsPort(absl::string_view text) {
  if (text.empty()) return true;
  return absl::ConsumePrefix(&text, ":") && !text.empty() &&
         std::all_of(text.begin(), text.end(), IsTokenCharacter);
}

// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
absl::optional<IpAddress> ParseNode(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (absl::ConsumePrefix(&text, "[")) {
    const size_t close = text.find(']');
    if (close == absl::string_view::npos || !IsPort(text.substr(close + 1))) return absl::nullopt;
    text = text.substr(0, close);
    return absl::StrContains(text, ':') ? IpAddress::Parse(text) : absl::nullopt;
  }
  const size_t colon = text.find(':');
  if (colon != absl::string_view::npos && text.find(':', colon + 1) == absl::string_view::npos) {
    return IsPort(text.substr(colon)) ? IpAddress::Parse(text.substr(0, colon)) : absl::nullopt;
  }
  return IpAddress::Parse(text);
}

// Cuts the last element from `chain`.
absl::string_view TakeLast(absl::string_view* chain) {
  const size_t comma = chain->rfind(',');
  if (comma == absl::string_view::npos) return std::exchange(*chain, absl::string_view());
  const absl::string_view last = chain->substr(comma + 1);
  *chain = chain->substr(0, comma);
  return last;
}

// Commas in quotes are no ends.
absl::string_view TakeLastForwarded(absl::string_view* chain) {
  bool quoted = false;
  for (size_t i = chain->size(); i-- > 0;) {
    const char c = (*chain)[i];
    if (c == '"') {
      size_t first = i;
      while (first > 0 && (*chain)[first - 1] == '\\') --first;
      const bool escaped = quoted && (i - first) % 2 == 1;
      if (!escaped) quoted = !quoted;
    } else if (c == ',' && !quoted) {
      const absl::string_view last = chain->substr(i + 1);
      *chain = chain->substr(0, i);
      return last;
    }
  }
  return std::exchange(*chain, absl::string_view());
}

// Cuts a value from `rest`: a quoted string, without its quotes and backslashes, or what stands
// before the next `;`.
absl::optional<std::string> TakeValue(absl::string_view* rest) {
  std::string value;
  if (!absl::ConsumePrefix(rest, "\"")) {
    const size_t end = std::min(rest->find(';'), rest->size());
    value = std::string(absl::StripAsciiWhitespace(rest->substr(0, end)));
    rest->remove_prefix(end);
    return absl::StrContains(value, '"') ? absl::nullopt : absl::make_optional(value);
  }
  for (size_t i = 0; i < rest->size(); ++i) {
    if ((*rest)[i] == '"') {
      *rest = absl::StripLeadingAsciiWhitespace(rest->substr(i + 1));
      return value;
    }
    if ((*rest)[i] == '\\' && ++i == rest->size()) break;
    value += (*rest)[i];
  }
  return absl::nullopt;
}

// Who an element of `forwarded` is `for`.
absl::optional<IpAddress> ParseForwarded(absl::string_view element) {
  absl::optional<std::string> node;
  absl::string_view rest = absl::StripAsciiWhitespace(element);
  while (!rest.empty()) {
    const size_t equals = std::min(rest.find('='), rest.size());
    const absl::string_view name = rest.substr(0, equals);
    if (equals == rest.size() || name.empty() ||
        !std::all_of(name.begin(), name.end(), IsTokenCharacter)) {
      return absl::nullopt;
    }
    rest.remove_prefix(equals + 1);
    absl::optional<std::string> value = TakeValue(&rest);
    if (!value.has_value()) return absl::nullopt;
    if (absl::EqualsIgnoreCase(name, "for")) {
      if (node.has_value()) return absl::nullopt;
      node = std::move(value);
    }
    if (rest.empty()) break;
    if (!absl::ConsumePrefix(&rest, ";")) return absl::nullopt;
    rest = absl::StripLeadingAsciiWhitespace(rest);
  }
  return node.has_value() ? ParseNode(*node) : absl::nullopt;
}

bool IsTrusted(const ClientIpPolicy& policy, const IpAddress& address) {
  return std::any_of(policy.trusted_proxies.begin(), policy.trusted_proxies.end(),
                     [&](const Cidr& proxies) { return proxies.Contains(address); });
}

// `take_last` cuts an element from the end, `parse` finds the address in it.
template <class TakeLast, class Parse>
absl::optional<IpAddress> WalkChain(const ClientIpPolicy& policy, absl::string_view chain,
                                    TakeLast take_last, Parse parse) {
  absl::optional<IpAddress> furthest;
  for (int hop = 0; hop < kMaxHops && !chain.empty(); ++hop) {
    const absl::optional<IpAddress> address = parse(take_last(&chain));
    if (!address.has_value()) break;
    furthest = address;
    if (!IsTrusted(policy, *address)) break;
  }
  return furthest;
}

absl::optional<IpAddress> FromHeader(const ClientIpPolicy& policy, absl::string_view name,
                                     absl::string_view value) {
  if (name == "x-forwarded-for") return WalkChain(policy, value, TakeLast, ParseNode);
  if (name == "forwarded") return WalkChain(policy, value, TakeLastForwarded, ParseForwarded);
  return ParseNode(value);
}

}  // namespace

ClientAddress ResolveClient(const ClientIpPolicy& policy, absl::string_view remote_address,
                            absl::FunctionRef<absl::string_view(absl::string_view)> header) {
  absl::optional<IpAddress> client = ParseNode(remote_address);
  if (!client.has_value()) return {std::string(remote_address), std::string(remote_address)};
  if (IsTrusted(policy, *client)) {
    for (const std::string& name : policy.headers) {
      const absl::optional<IpAddress> told = FromHeader(policy, name, header(name));
      if (!told.has_value()) continue;
      client = told;
      break;
    }
  }
  const std::string address = client->ToString();
  if (client->is_v4() || policy.ipv6_prefix >= client->bits()) return {address, address};
  return {address,
          absl::StrCat(client->Network(policy.ipv6_prefix).ToString(), "/", policy.ipv6_prefix)};
}

}  // namespace sluice
