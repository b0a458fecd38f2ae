#include "policy/policy_set.h"

namespace sluice {
namespace {

constexpr absl::string_view kAnyTenant = "*";

template <class T>
const T* At(const std::vector<T>& rows, const absl::flat_hash_map<std::string, size_t>& index,
            absl::string_view name) {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : &rows[found->second];
}

}  // namespace

BackendSpec LocalBackend() {
  BackendSpec local;
  local.name = "local";
  local.type = "memory";
  return local;
}

const Throttle* PolicySet::FindThrottle(absl::string_view uid) const {
  return At(throttles, throttle_index_, uid);
}

const Tenant* PolicySet::FindTenant(absl::string_view name) const {
  if (name == kAnyTenant) return nullptr;
  const Tenant* own = At(tenants, tenant_index_, name);
  return own != nullptr ? own : At(tenants, tenant_index_, kAnyTenant);
}

const Domain* PolicySet::FindDomain(absl::string_view name) const {
  return At(domains, domain_index_, name);
}

void PolicySet::Index() {
  for (size_t i = 0; i < throttles.size(); ++i) throttle_index_[throttles[i].uid] = i;
  for (size_t i = 0; i < tenants.size(); ++i) tenant_index_[tenants[i].name] = i;
  for (size_t i = 0; i < domains.size(); ++i) domain_index_[domains[i].name()] = i;
  std::vector<GatewayIndex::Entry> entries;
  entries.reserve(throttles.size());
  for (const Throttle& throttle : throttles) {
    entries.push_back({throttle.gateway ? &throttle.rules : nullptr, !throttle.context.empty()});
  }
  gateway = GatewayIndex(entries);
}

}  // namespace sluice
