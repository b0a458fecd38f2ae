#include "policy/keys.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace sluice {
namespace {

constexpr absl::string_view kRequired = ConfigKey::kRequired;

constexpr ConfigKey kTop[] = {
    {"namespace", "name", "none", "myapp",
     "Part of every counter's key: servers with different namespaces share no counter"},
    {"server", "{server}", "none", "{drain_delay: 2s}", "Ports, and who may come in"},
    {"backends", "map of {a memory backend|a redis backend}", "`{local: {type: memory}}`",
     "{local: {type: memory}}", "Where counters are, by names of your own"},
    {"default_backend", "text", "the only backend", "local",
     "The backend of tenants without one; required when there are several"},
    {"tenants", "map of {a tenant}", "none", "{acme: {namespace: acme}}",
     "Who asks, by name; the row `\"*\"` is for all without a row, and without it unknown tenants "
     "are refused. The default tenant, whose name is empty, needs no row"},
    {"client_ip", "{client_ip}", "none", "{trusted_proxies: [10.0.0.0/8]}",
     "Who the client is behind proxies"},
    {"tenant", "text", "the default tenant", "\"{header.x-tenant|tenant}\"",
     "A template that gives the tenant when the request names none"},
    {"defaults", "some of {a throttle}", "none", "{strategy: gcra}",
     "Keys of all throttles that do not have them; not `uid`"},
    {"throttles", "list of {a throttle}", "none", "[{uid: \"api:burst\", rate: 20/min}]",
     "The limits that callers name, in the order in which ShouldLimit tells of them"},
    {"domains", "{domains}", "none", "{files: [\"ratelimit/*.yaml\"]}",
     "Envoy's rate limit domains"},
    {"log", "{log}", "none", "{format: json}", "What sluiced says on standard error"},
};

constexpr ConfigKey kLog[] = {
    {"level", "one of debug, info, warn, error", "`info`", "warn", "The least level that is told"},
    {"format", "one of text, json", "`text`", "json",
     "Lines for people, or an object a line with `time`, `level` and `message`"},
};

constexpr ConfigKey kServer[] = {
    {"grpc", "{server.grpc}", "none", "{address: \"0.0.0.0:8081\"}",
     "The port for Limiter, Envoy's RateLimitService and health"},
    {"http", "{server.http}", "none", "{address: \"0.0.0.0:8080\"}",
     "The port for metrics, health and JSON"},
    {"admin", "{server.admin}", "none", "{address: \"127.0.0.1:8082\"}", "The port for Admin"},
    {"auth", "list of {a rule of server.auth}", "anyone may name any tenant",
     "[{mtls_san: \"spiffe://acme/*\", tenants: [acme]}]",
     "Who may act for which tenant, by the names in certificates; needs `grpc.tls.client_ca_file`"},
    {"allow_reset", "flag", "`false`", "true",
     "Whether anyone may ask Reset; with `auth`, it is for those who have `admin: true`"},
    {"drain_delay", "duration", "`2s`", "5s",
     "After SIGTERM: how long to say NOT_SERVING and still answer. Longer than the interval of "
     "health checks"},
    {"drain_grace", "duration", "`10s`", "30s",
     "Then: how long calls that are still open may take"},
};

constexpr ConfigKey kGrpc[] = {
    {"address", "text", "`0.0.0.0:8081`", "\"[::]:8081\"", "`host:port`"},
    {"tls", "{tls}", "in the clear", "{cert_file: server.pem, key_file: server.key}",
     "Certificates; files that change are read again within seconds"},
    {"max_connection_age", "duration", "no end", "1h",
     "After this a connection is closed in good order, so that clients find new servers"},
};

constexpr ConfigKey kHttp[] = {
    {"address", "text", "`0.0.0.0:8080`", "\"127.0.0.1:8080\"",
     "`host:port`, with an IPv4 address"},
};

constexpr ConfigKey kAdmin[] = {
    {"address", "text", "`127.0.0.1:8082`", "\"off\"",
     "`host:port`, or `off`; beyond this host only with `tls.client_ca_file` and an `auth` rule "
     "that says `admin: true`"},
    {"tls", "{tls}", "in the clear", "{cert_file: server.pem, key_file: server.key}",
     "Certificates"},
};

constexpr ConfigKey kTls[] = {
    {"cert_file", "name", kRequired, "server.pem",
     "The server's certificate and those between it and its root, in PEM"},
    {"key_file", "name", kRequired, "server.key", "Its private key, in PEM without a passphrase"},
    {"client_ca_file", "name", "clients show no certificate", "clients.pem",
     "Clients must show a certificate of it, and the names in it are who they are"},
};

constexpr ConfigKey kAuth[] = {
    {"mtls_san", "name", kRequired, "\"spiffe://acme/*\"",
     "A name in the caller's certificate; `*` is any characters"},
    {"tenants", "list of text", "none", "[acme]",
     "For whom the caller may act: `\"\"` is the default tenant, `\"*\"` any"},
    {"admin", "flag", "`false`", "true", "Whether the caller may ask Admin and Reset"},
};

constexpr ConfigKey kMemoryBackend[] = {
    {"type", "one of memory", kRequired, "memory", "What it is"},
    {"max_keys", "whole from 1 to 1099511627776", "`10000000`", "1_000_000",
     "How many counters it holds at most"},
    {"on_full", "one of throttle, allow", "`throttle`", "allow",
     "What a newcomer gets when every counter in reach is at its limit"},
};

constexpr ConfigKey kRedisBackend[] = {
    {"type", "one of redis", kRequired, "redis", "What it is"},
    {"addresses", "list of text", kRequired, "[\"127.0.0.1:6379\"]",
     "`host:port`, `[::1]:port`, `unix:/path`, `redis://[user:password@]host[:port][/database]`; "
     "`rediss://` is with TLS. One with `mode: single`, the Sentinels with `sentinel`, some of the "
     "nodes with `cluster`; at most 64"},
    {"mode", "one of single, sentinel, cluster", "`single`", "cluster", "What stands there"},
    {"sentinel_master", "name", "none: required with `mode: sentinel`", "mymaster",
     "What the Sentinels call the Redis"},
    {"sentinel_username", "name", "the default user", "watcher", "Who to be to the Sentinels"},
    {"sentinel_password", "text", "none", "\"${SENTINEL_PASSWORD}\"", "The password for them"},
    {"sentinel_password_file", "name", "none", "sentinel.password",
     "A file with that password, read on each connect"},
    {"username", "name", "the default user", "sluice", "Who to be to Redis"},
    {"password", "text", "none", "\"${REDIS_PASSWORD}\"", "The password; no log shows it"},
    {"password_file", "name", "none", "redis.password",
     "A file with the password, without the line break at its end; read on each connect, so that "
     "it may come later and may change"},
    {"database", "whole from 0 to 65535", "`0`", "2", "The database; a Cluster has 0 alone"},
    {"tls", "{redis tls}", "as the addresses say", "{ca_file: redis-ca.pem}",
     "TLS, and how; `{}` is with the system's authorities"},
    {"deadline", "duration", "`15ms`", "10ms",
     "The longest that a decision takes, retries included, from 1 ms to 10 s; then `on_error` "
     "holds. Envoy waits 20 ms"},
    {"connect_timeout", "duration", "`1s`", "500ms",
     "The longest that a connection takes to be made, in the background; 1 ms to 1 min"},
    {"connections", "whole from 1 to 64", "`1`", "4", "Connections to each node"},
    {"max_inflight", "whole from 1 to 1000000", "`10000`", "50000",
     "Decisions that wait at most; what is more fails at once"},
    {"hash_tag", "one of identifier, tenant", "`identifier`", "tenant",
     "What lies together in a Cluster. `tenant`: a request with several counters is decided by one "
     "script, and all of a tenant is on one node"},
    {"breaker", "{breaker}", "none", "{failure_threshold: 10}",
     "When to stop asking a Redis that fails"},
    {"retry", "{retry}", "none", "{max_retries: 0}",
     "What is asked again when an error proves that nothing ran"},
};

constexpr ConfigKey kRedisTls[] = {
    {"ca_file", "name", "the system's authorities", "redis-ca.pem",
     "Authorities that may vouch for Redis, in PEM"},
    {"cert_file", "name", "none", "sluice.pem", "Our certificate, where Redis asks for one"},
    {"key_file", "name", "none", "sluice.key", "Its private key, in PEM without a passphrase"},
    {"server_name", "name", "the address's host", "redis.internal",
     "What the certificate of Redis must name"},
};

constexpr ConfigKey kBreaker[] = {
    {"failure_threshold", "whole from 1 to 1000000", "`5`", "10",
     "Failures in a row that open it: Redis is then asked nothing"},
    {"recovery_timeout", "duration", "`500ms`", "2s",
     "How long it stays open, give or take a fifth; 1 ms to 1 h"},
    {"success_threshold", "whole from 1 to 1000000", "`2`", "5",
     "Successes in a row that close it again"},
};

constexpr ConfigKey kRetry[] = {
    {"max_retries", "whole from 0 to 100", "`2`", "0", "How often, within the deadline"},
    {"delay", "duration", "`1ms`", "2ms", "The pause before the first, at most 10 s"},
    {"multiplier", "number from 1 to 100", "`2`", "1.5",
     "How much longer each pause is than the one before"},
};

constexpr ConfigKey kTenant[] = {
    {"namespace", "name", "that of the top", "acme",
     "Part of the keys of its counters, in the place of the top level's"},
    {"backend", "text", "`default_backend`", "local", "Where its counters are"},
    {"default_context", "map of text", "none", "{tier: premium}",
     "Context of its requests; a throttle's `context` and the request win over it"},
};

constexpr ConfigKey kClientIp[] = {
    {"trusted_proxies", "list of text", "none", "[10.0.0.0/8, \"fd00::/8\"]",
     "Networks whose word is taken for who spoke to them"},
    {"headers", "list of name", "`[x-forwarded-for]`", "[forwarded, x-real-ip]",
     "Where they say it, in the order in which to look; `forwarded` and `x-forwarded-for` are "
     "chains, any other is one address"},
    {"ipv6_prefix", "whole from 1 to 128", "`128`", "64",
     "IPv6 clients whose first bits are the same share a counter"},
};

constexpr ConfigKey kDomains[] = {
    {"files", "list of text", "none", "[\"ratelimit/*.yaml\"]",
     "Files in envoyproxy/ratelimit's grammar, a domain each; patterns as a shell has them"},
    {"backend", "text", "`default_backend`", "local", "Where their counters are"},
    {"on_error", "one of throttle, allow, raise or {on_error}", "`throttle`", "allow",
     "What holds when that backend fails"},
};

constexpr ConfigKey kThrottle[] = {
    {"uid", "name", kRequired, "api:burst",
     "What callers name; no two are the same, and none starts with `domain:`, `override:` or "
     "`fallback:`"},
    {"rate", "rate or {a conditional rate}", "none: it has one, or `defaults` has", "20/min",
     "How much per how long: `100/min`, `2 per second`, `10/30s`, `50/d`, `unlimited`"},
    {"strategy", "strategy or {a strategy}", "`fixed_window`", "{type: gcra, burst: 5}",
     "How it is counted; see [STRATEGIES.md](STRATEGIES.md)"},
    {"count_denied", "flag", "`false`", "true",
     "Denied hits count too; for strategies that count hits in windows"},
    {"cost", "whole from 0 to 4503599627370496 or {a conditional cost} or {a cost expression}",
     "`1`", "3", "Hits that a request counts for; the request's own cost wins"},
    {"identifier", "text", "`\"{identifier|remote_address}\"`", "\"user:{user_id|remote_address}\"",
     "A template that gives whose counter it is"},
    {"key_by", "list of name", "`[scope]`", "[scope, method]",
     "Context keys each of whose values has a counter of its own"},
    {"exempt", "list of map of {a matcher}", "nobody", "[{tier: {in: [enterprise]}}]",
     "Who is never limited: any of these, each by context keys that must all match"},
    {"rules", "list of {a rule}", "all requests", "[{bypass: {path: /health}}]",
     "Which requests it is for"},
    {"backend", "text", "the tenant's", "local", "Where its counters are"},
    {"on_error", "one of throttle, allow, raise or {on_error}", "`throttle`", "{fallback: local}",
     "What holds when that backend fails"},
    {"context", "map of text", "none", "{scope: web}",
     "Default context; the request's values win over it"},
    {"min_wait", "duration", "`0`", "5s", "The least wait that a denial tells"},
    {"headers", "one of never, denied, always or {headers}", "`always`",
     "{when: denied, format: ietf}", "Rate limit headers of the answer"},
    {"response", "{response}", "none", "{status: 429, body: slow down}",
     "What a gateway answers to a denied request"},
    {"shadow", "flag", "`false`", "true",
     "Decide, count and report, and never deny: to try a limit before it bites"},
    {"gateway", "flag", "`true`", "false",
     "`false`: ShouldLimit leaves it out, and it is for calls that name it"},
    {"enabled", "flag", "`true`", "false",
     "`false`: who names it is BYPASSED, and ShouldLimit leaves it out"},
};

constexpr ConfigKey kStrategy[] = {
    {"type", "strategy", kRequired, "token_bucket",
     "Its name; its parameters stand beside it, see [STRATEGIES.md](STRATEGIES.md)"},
};

constexpr ConfigKey kConditionalRate[] = {
    {"by", "name", kRequired, "tier", "The context key that chooses"},
    {"values", "map of rate", kRequired, "{premium: 1000/min, enterprise: unlimited}",
     "The rate for each of its values, at most 10,000"},
    {"default", "rate", kRequired, "60/min", "The rate for any other value, and for none"},
};

constexpr ConfigKey kConditionalCost[] = {
    {"by", "name", kRequired, "method", "The context key that chooses"},
    {"values", "map of whole from 0 to 4503599627370496", kRequired, "{GET: 1, POST: 3}",
     "The cost for each of its values, at most 10,000"},
    {"default", "whole from 0 to 4503599627370496", "`1`", "2",
     "The cost for any other value, and for none"},
};

constexpr ConfigKey kCostExpression[] = {
    {"expr", "text", kRequired, "ceil(content_length / 1024)",
     "An expression in the syntax of Lua 5.4 over the context, at most 1024 bytes"},
    {"default", "whole from 0 to 4503599627370496", "`1`", "1", "The cost when it fails"},
};

constexpr ConfigKey kRule[] = {
    {"bypass", "{a condition}", "none", "{path: /health, methods: [GET]}",
     "The throttle is not for requests that match"},
    {"apply", "{a condition}", "none", "{path: \"/api/**\"}",
     "When there are any, it is for requests that match one. A rule has one of the two keys"},
};

constexpr ConfigKey kCondition[] = {
    {"path", "text or {a path}", "any", "\"/api/v*/users\"",
     "`*` is any characters in one segment, `**` any number of segments; without either it is a "
     "prefix by segments. At most 1024 bytes and 64 segments"},
    {"methods", "list of text", "any", "[GET, HEAD]", "Methods, in either case"},
    {"match", "map of {a matcher}", "any", "{tier: {equals: internal}}",
     "Context keys that must all match"},
};

constexpr ConfigKey kPath[] = {
    {"regex", "text", kRequired, "\"/v[0-9]+/.*\"", "The whole path, in RE2's syntax"},
};

constexpr ConfigKey kMatcher[] = {
    {"equals", "text", "none", "enterprise", "This value; compared in constant time"},
    {"equals_file", "text", "none", "admin.token",
     "The content of this file, without a line break at its end"},
    {"in", "list of text", "none", "[gold, silver]", "One of these values"},
    {"prefix", "text", "none", "\"internal-\"", "How it starts"},
    {"glob", "text", "none", "\"*.example\"", "The whole value: `*` is any characters, `?` is one"},
    {"regex", "text", "none", "\"v[0-9]+\"", "The whole value, in RE2's syntax"},
    {"cidr", "list of text", "none", "[10.0.0.0/8, \"fd00::/8\"]",
     "An address in one of these networks"},
    {"present", "flag", "none", "false", "Whether there is a value: an empty one is none"},
};

constexpr ConfigKey kOnError[] = {
    {"fallback", "text", kRequired, "local", "The backend to ask then"},
    {"then", "one of throttle, allow, raise", "`throttle`", "allow",
     "What holds when that one fails too"},
};

constexpr ConfigKey kHeaders[] = {
    {"when", "one of never, denied, always", "`always`", "denied",
     "On which answers; the word alone in the place of the map says the same"},
    {"format", "one of classic, ietf, both", "`classic`", "both",
     "`X-RateLimit-*`, or `RateLimit` and `RateLimit-Policy` (IETF draft 10)"},
    {"below", "share", "on all", "0.1",
     "Allowed answers carry them only when a smaller share of the limit is left"},
    {"names", "{names}", "none", "{limit: X-Quota}", "Other names for the classic three"},
    {"extra", "map of text", "none", "{X-Service: api}",
     "Headers that go with them; at most 32, each at most 256 bytes"},
    {"reset_ms", "flag", "`false`", "true", "The classic reset in milliseconds"},
};

constexpr ConfigKey kNames[] = {
    {"limit", "text", "`X-RateLimit-Limit`", "X-Quota", "The header with the limit"},
    {"remaining", "text", "`X-RateLimit-Remaining`", "X-Quota-Left",
     "The header with the hits that are left"},
    {"reset", "text", "`X-RateLimit-Reset`", "X-Quota-Reset",
     "The header with the time until all of them are"},
};

constexpr ConfigKey kResponse[] = {
    {"status", "whole from 400 to 599", "`429`", "503", "HTTP status"},
    {"content_type", "name", "`text/plain; charset=utf-8`", "application/json", "What the body is"},
    {"body", "text", "empty", "\"{throttle}: retry in {retry_after} s\"",
     "At most 64 KiB; `{throttle}` is the uid and `{retry_after}` whole seconds"},
    {"headers", "map of text", "none", "{X-Reason: quota}",
     "Headers of the response; at most 32, each at most 256 bytes"},
};

constexpr ConfigSection kSections[] = {
    {"the configuration", "", kTop},
    {"server", "server", kServer},
    {"log", "log", kLog},
    {"server.grpc", "server.grpc", kGrpc},
    {"server.http", "server.http", kHttp},
    {"server.admin", "server.admin", kAdmin},
    {"tls", "server.grpc.tls, server.admin.tls", kTls},
    {"a rule of server.auth", "server.auth: [...]", kAuth},
    {"a memory backend", "backends: {NAME: ...}", kMemoryBackend},
    {"a redis backend", "backends: {NAME: ...}", kRedisBackend},
    {"redis tls", "backends: {NAME: {tls: ...}}", kRedisTls},
    {"breaker", "backends: {NAME: {breaker: ...}}", kBreaker},
    {"retry", "backends: {NAME: {retry: ...}}", kRetry},
    {"a tenant", "tenants: {NAME: ...}", kTenant},
    {"client_ip", "client_ip", kClientIp},
    {"domains", "domains", kDomains},
    {"a throttle", "throttles: [...], defaults", kThrottle},
    {"a strategy", "strategy", kStrategy, /*open=*/true},
    {"a conditional rate", "rate", kConditionalRate},
    {"a conditional cost", "cost", kConditionalCost},
    {"a cost expression", "cost", kCostExpression},
    {"a rule", "rules: [...]", kRule},
    {"a condition", "bypass, apply", kCondition},
    {"a path", "path", kPath},
    {"a matcher", "exempt: [{KEY: ...}], match: {KEY: ...}", kMatcher},
    {"on_error", "on_error", kOnError},
    {"headers", "headers", kHeaders},
    {"names", "headers.names", kNames},
    {"response", "response", kResponse},
};

}  // namespace

const ConfigKey* ConfigSection::Find(absl::string_view key) const {
  const auto* found = std::find_if(keys.begin(), keys.end(),
                                   [key](const ConfigKey& known) { return known.key == key; });
  return found == keys.end() ? nullptr : &*found;
}

absl::Span<const ConfigSection> ConfigSections() { return kSections; }

const ConfigSection& ConfigSectionOf(absl::string_view name) {
  for (const ConfigSection& section : kSections) {
    if (section.name == name) return section;
  }
  std::cerr << "policy/keys.cc has no section '" << name << "'\n";
  std::abort();
}

}  // namespace sluice
