#include "limiter/request_values.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace sluice {
namespace {

constexpr absl::string_view kIdentifier = "identifier";
constexpr absl::string_view kPath = "path";
constexpr absl::string_view kRemoteAddress = "remote_address";
constexpr absl::string_view kHeader = "header.";

absl::string_view FindIn(const absl::InlinedVector<ThrottleRequest::Pair, 8>& pairs,
                         absl::string_view key) {
  const auto found =
      std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == key; });
  return found == pairs.end() ? absl::string_view() : found->second;
}

absl::string_view FindIn(const Context& context, absl::string_view key) {
  const auto found = context.find(key);
  return found == context.end() ? absl::string_view() : absl::string_view(found->second);
}

// A slash at the end makes no other path, as for rules.
absl::string_view OneSpelling(absl::string_view canonical) {
  if (canonical.size() > 1) absl::ConsumeSuffix(&canonical, "/");
  return canonical;
}

}  // namespace

absl::string_view RequestValues::Header(absl::string_view name) const {
  for (const auto& [header, value] : request_.headers) {
    if (absl::EqualsIgnoreCase(header, name)) return value;
  }
  for (const auto& [key, value] : request_.context) {
    absl::string_view header = key;
    if (absl::ConsumePrefix(&header, kHeader) && absl::EqualsIgnoreCase(header, name)) return value;
  }
  return {};
}

const RequestPath& RequestValues::path() {
  if (!path_.has_value()) path_.emplace(FindIn(request_.context, kPath));
  return *path_;
}

const ClientAddress& RequestValues::client() {
  if (!client_.has_value()) {
    client_ = ResolveClient(policy_.client_ip, FindIn(request_.context, kRemoteAddress),
                            [this](absl::string_view name) { return Header(name); });
  }
  return *client_;
}

absl::string_view RequestValues::Of(absl::string_view key, Client client_form) {
  if (key == kIdentifier) return request_.identifier;
  if (key == kPath) return OneSpelling(path().canonical());
  if (key == kRemoteAddress) {
    const ClientAddress& who = client();
    return client_form == Client::kFolded ? who.folded : who.address;
  }
  if (absl::StartsWith(key, kHeader)) return Header(key.substr(kHeader.size()));
  return FindIn(request_.context, key);
}

absl::string_view RequestValues::Of(absl::string_view key, const Throttle* throttle,
                                    const Tenant& tenant, Client client_form) {
  absl::string_view value = Of(key, client_form);
  if (value.empty() && throttle != nullptr) value = FindIn(throttle->context, key);
  return value.empty() ? FindIn(tenant.context, key) : value;
}

}  // namespace sluice
