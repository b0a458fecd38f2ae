// Who may act for which tenant, and who may administer: callers are known by their certificates.
#ifndef SLUICE_POLICY_AUTH_H_
#define SLUICE_POLICY_AUTH_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "policy/position.h"

namespace sluice {

// One row of `server.auth`: what a caller may do of whose names one matches.
struct AuthRule {
  std::string mtls_san;              // a glob (policy/glob.h) over the names in the certificate
  std::vector<std::string> tenants;  // "": the default tenant; "*": any
  bool admin = false;                // may ask Admin and Reset
  Position position;
};

// The rows together: what one of them allows is allowed. Identities are the names in a caller's
// verified certificate (CallContext::identities); a caller without any matches no row, not even
// "*". Immutable.
class Auth {
 public:
  Auth() = default;
  explicit Auth(std::vector<AuthRule> rules) : rules_(std::move(rules)) {}

  // There are no rules: anyone may name any tenant. Admin has to be guarded otherwise, by an
  // address that only this host reaches, and Reset by ServerSpec::allow_reset.
  bool open() const { return rules_.empty(); }

  // Always when open.
  bool MayActFor(absl::Span<const std::string> identities, absl::string_view tenant) const;

  // Whether a rule says so: never when open.
  bool MayAdminister(absl::Span<const std::string> identities) const;

  // The tenant that a request without one speaks of: the only one that the caller's rules name.
  // nullopt when they name none, several or any.
  absl::optional<std::string> OnlyTenant(absl::Span<const std::string> identities) const;

  const std::vector<AuthRule>& rules() const { return rules_; }

 private:
  std::vector<AuthRule> rules_;
};

}  // namespace sluice

#endif  // SLUICE_POLICY_AUTH_H_
