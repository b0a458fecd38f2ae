// The configuration as validated, immutable types. A request sees one set from start to end.
#ifndef SLUICE_POLICY_POLICY_SET_H_
#define SLUICE_POLICY_POLICY_SET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "core/rate.h"
#include "policy/auth.h"
#include "policy/domain.h"
#include "policy/position.h"
#include "policy/template.h"
#include "strategy/limit.h"

namespace sluice {

// Context keys and their values.
using Context = absl::flat_hash_map<std::string, std::string>;

// How a door speaks TLS. Paths are as sluiced opens them.
struct TlsSpec {
  std::string cert_file;       // the server's certificate, and those between it and its root
  std::string key_file;        // its private key
  std::string client_ca_file;  // clients must show a certificate of it; empty: they show none
};

struct ServerSpec {
  std::string grpc_address = "0.0.0.0:8081";
  absl::optional<TlsSpec> grpc_tls;
  // Microseconds, above 0. A gRPC connection that is older gets GOAWAY, and its open calls finish;
  // nullopt: it may stay.
  absl::optional<int64_t> max_connection_age_us;
  std::string http_address = "0.0.0.0:8080";
  // Empty: there is no Admin door.
  std::string admin_address = "127.0.0.1:8082";
  // Whether the file says where: the server then does not start without its Admin door.
  bool admin_address_given = false;
  absl::optional<TlsSpec> admin_tls;
  Auth auth;
  // Whether Reset is served when `auth` is open; otherwise `auth` says to whom.
  bool allow_reset = false;
  // Microseconds. After NOT_SERVING go on answering this long, then send GOAWAY.
  int64_t drain_delay_us = 2'000'000;
  // Microseconds. Calls that are still open after GOAWAY may take this long.
  int64_t drain_grace_us = 10'000'000;
};

// What a memory backend answers to a newcomer when every counter in reach is at its limit.
enum class OnFull { kThrottle, kAllow };

struct BackendSpec {
  std::string name;
  std::string type;  // "memory"
  int64_t max_keys = 10'000'000;
  OnFull on_full = OnFull::kThrottle;
};

struct Tenant {
  std::string name;  // empty: the default tenant; "*": all without a row of their own
  std::string name_space;
  size_t backend = 0;  // index into PolicySet::backends
  Context context;
};

// Which rate limit headers an answer carries.
struct HeaderPolicy {
  enum class When { kOff, kDenied, kAlways };
  enum class Format { kClassic, kIetf, kBoth };
  When when = When::kAlways;
  Format format = Format::kClassic;
};

struct Throttle {
  std::string uid;
  Rate rate = Rate::Unlimited();
  absl::optional<Limit> limit;  // nullopt iff the rate is unlimited
  uint64_t cost = 1;            // hits; 0 to 2^52
  IdentifierTemplate identifier;
  std::vector<std::string> key_by = {"scope"};
  Context context;
  HeaderPolicy headers;
  bool shadow = false;
  bool enabled = true;
  Position position;
};

struct PolicySet {
  uint64_t generation = 1;
  std::string content_hash;  // hex
  std::string source;        // the file's path, or "built-in example"

  ServerSpec server;
  std::string name_space;
  std::vector<BackendSpec> backends;  // at least one
  std::vector<Tenant> tenants;        // [0] is the default tenant
  std::vector<Throttle> throttles;    // in the configuration's order
  std::vector<Domain> domains;
  size_t domains_backend = 0;  // index into `backends`

  // nullptr for an unknown name. FindTenant answers the row of "*", if there is one, for a name
  // without a row; "" is the default tenant, and "*" itself is nobody's name.
  const Throttle* FindThrottle(absl::string_view uid) const;
  const Tenant* FindTenant(absl::string_view name) const;
  const Domain* FindDomain(absl::string_view name) const;

  // Fills the indices of the three above; the loader calls it once, last.
  void Index();

 private:
  absl::flat_hash_map<std::string, size_t> throttle_index_;
  absl::flat_hash_map<std::string, size_t> tenant_index_;
  absl::flat_hash_map<std::string, size_t> domain_index_;
};

}  // namespace sluice

#endif  // SLUICE_POLICY_POLICY_SET_H_
