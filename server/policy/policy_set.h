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
#include "policy/client_ip.h"
#include "policy/domain.h"
#include "policy/expression.h"
#include "policy/gateway_index.h"
#include "policy/position.h"
#include "policy/redis_spec.h"
#include "policy/rule.h"
#include "policy/template.h"
#include "strategy/limit.h"
#include "strategy/params.h"

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

// What the server says on standard error.
struct LogSpec {
  enum class Level { kDebug, kInfo, kWarn, kError };
  Level level = Level::kInfo;  // the least that is told
  bool json = false;           // an object a line, instead of text
};

// What a memory backend answers to a newcomer when every counter in reach is at its limit.
enum class OnFull { kThrottle, kAllow };

struct BackendSpec {
  std::string name;
  std::string type;  // "memory" or "redis"
  // Of memory.
  int64_t max_keys = 10'000'000;
  OnFull on_full = OnFull::kThrottle;
  absl::optional<RedisSpec> redis;  // stands iff that is its type
};

// What there is without `backends`: a memory backend named `local`.
BackendSpec LocalBackend();

struct Tenant {
  std::string name;  // empty: the default tenant; "*": all without a row of their own
  std::string name_space;
  size_t backend = 0;  // index into PolicySet::backends
  Context context;
  // Line 0: the configuration has no row, or no backend, for it.
  Position position;
  Position backend_position;
};

// Which rate limit headers an answer carries.
struct HeaderPolicy {
  enum class When { kOff, kDenied, kAlways };
  enum class Format { kClassic, kIetf, kBoth };
  When when = When::kAlways;
  Format format = Format::kClassic;
  // Millionths of the limit: an allowed answer carries them only when less than this remains. Above
  // one million: always.
  int64_t below = 2 * kMillion;
  // Names of the classic three.
  std::string limit_name = "X-RateLimit-Limit";
  std::string remaining_name = "X-RateLimit-Remaining";
  std::string reset_name = "X-RateLimit-Reset";
  // Whether the classic reset is told in milliseconds instead of seconds.
  bool reset_in_ms = false;
  std::vector<std::pair<std::string, std::string>> extra;  // sent beside them: name, value
};

// What a gateway answers to a denied request.
struct DenialResponse {
  int status = 429;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;  // `{throttle}` and `{retry_after}` stand for the uid and whole seconds
  std::vector<std::pair<std::string, std::string>> headers;  // name, value
};

// What becomes of a request whose backend failed: another backend is asked, if there is one, and
// when that fails too, or is not there, `then` decides.
struct OnError {
  enum class Then { kThrottle, kAllow, kRaise };
  Then then = Then::kThrottle;
  absl::optional<size_t> fallback;  // index into PolicySet::backends
};

// A value with the place that says so.
template <class T>
struct Placed {
  T value{};
  Position position;
};

// One value, or one for each value of a context key.
template <class T>
struct Conditional {
  std::string by;  // the context key; empty: `otherwise` stands
  absl::flat_hash_map<std::string, T> values;
  T otherwise{};

  const T& For(absl::string_view value) const {
    const auto found = values.find(value);
    return found == values.end() ? otherwise : found->second;
  }
};

// A rate, and the limit that the throttle's strategy makes of it.
struct RatedLimit {
  Rate rate = Rate::Unlimited();
  absl::optional<Limit> limit;  // nullopt iff the rate is unlimited
  Position position;
};

// Hits, 0 to 2^52. An expression is asked first, and `otherwise` answers when it fails.
struct CostPolicy {
  Conditional<Placed<uint64_t>> hits = {{}, {}, {1, {}}};
  absl::optional<Expression> expression;
  Position position;  // of the expression
};

// Who is never limited: those of whom all matchers hold.
struct Exemption {
  std::vector<KeyMatcher> match;
  Position position;
  std::string text;  // as the file has it, secrets masked
};

struct Throttle {
  std::string uid;
  // As the configuration has them; the limits of `rate` are made of them.
  std::string strategy;
  Params params;
  Conditional<RatedLimit> rate;
  CostPolicy cost;
  IdentifierTemplate identifier;
  std::vector<std::string> key_by = {"scope"};
  std::vector<Exemption> exempt;
  Rules rules;
  absl::optional<size_t> backend;  // index into PolicySet::backends; nullopt: the tenant's
  Context context;
  OnError on_error;
  int64_t min_wait_us = 0;  // the least wait that a denial tells, in microseconds
  HeaderPolicy headers;
  DenialResponse response;
  bool shadow = false;
  bool gateway = true;  // whether ShouldLimit asks it
  bool enabled = true;
  Position position;
  // Where a value stands that is not its default; line 0: it is the default.
  Position identifier_position;
  Position backend_position;
};

struct PolicySet {
  uint64_t generation = 1;
  std::string content_hash;  // hex
  std::string source;        // the path of the file or folder, or "built-in example"
  std::string yaml;          // the configuration for people to read, without secrets (effective.h)

  ServerSpec server;
  LogSpec log;
  std::string name_space;
  ClientIpPolicy client_ip;
  // Who the tenant is when the request does not say; nullopt: the default tenant.
  absl::optional<IdentifierTemplate> tenant;
  Position tenant_position;
  std::vector<BackendSpec> backends;  // at least one
  std::vector<Tenant> tenants;        // [0] is the default tenant
  std::vector<Throttle> throttles;    // in the configuration's order
  std::vector<Domain> domains;
  size_t domains_backend = 0;  // index into `backends`
  OnError domains_on_error;
  // Which of `throttles` a gateway's request concerns.
  GatewayIndex gateway;

  // nullptr for an unknown name. FindTenant answers the row of "*", if there is one, for a name
  // without a row; "" is the default tenant, and "*" itself is nobody's name.
  const Throttle* FindThrottle(absl::string_view uid) const;
  const Tenant* FindTenant(absl::string_view name) const;
  const Domain* FindDomain(absl::string_view name) const;

  // Fills the indices of the three above, and `gateway`; the loader calls it once, last.
  void Index();

 private:
  absl::flat_hash_map<std::string, size_t> throttle_index_;
  absl::flat_hash_map<std::string, size_t> tenant_index_;
  absl::flat_hash_map<std::string, size_t> domain_index_;
};

}  // namespace sluice

#endif  // SLUICE_POLICY_POLICY_SET_H_
