#include "policy/auth.h"

#include <algorithm>

#include "policy/glob.h"

namespace sluice {
namespace {

constexpr absl::string_view kAnyTenant = "*";

bool Matches(const AuthRule& rule, absl::Span<const std::string> identities) {
  return std::any_of(identities.begin(), identities.end(), [&](absl::string_view identity) {
    return MatchesStars(rule.mtls_san, identity);
  });
}

bool Names(const AuthRule& rule, absl::string_view tenant) {
  return std::any_of(rule.tenants.begin(), rule.tenants.end(),
                     [&](absl::string_view name) { return name == kAnyTenant || name == tenant; });
}

}  // namespace

bool Auth::MayActFor(absl::Span<const std::string> identities, absl::string_view tenant) const {
  return open() || std::any_of(rules_.begin(), rules_.end(), [&](const AuthRule& rule) {
           return Names(rule, tenant) && Matches(rule, identities);
         });
}

bool Auth::MayAdminister(absl::Span<const std::string> identities) const {
  return std::any_of(rules_.begin(), rules_.end(),
                     [&](const AuthRule& rule) { return rule.admin && Matches(rule, identities); });
}

absl::optional<std::string> Auth::OnlyTenant(absl::Span<const std::string> identities) const {
  const std::string* only = nullptr;
  for (const AuthRule& rule : rules_) {
    if (!Matches(rule, identities)) continue;
    for (const std::string& tenant : rule.tenants) {
      if (tenant == kAnyTenant || (only != nullptr && *only != tenant)) return absl::nullopt;
      only = &tenant;
    }
  }
  if (only == nullptr) return absl::nullopt;
  return *only;
}

}  // namespace sluice
