#include "policy/redis_reader.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/rate.h"
#include "policy/redis_address.h"
#include "policy/tls_fields.h"

namespace sluice {
namespace {

using Mode = RedisConnectionSpec::Mode;

constexpr size_t kMaxAddresses = 64;
constexpr size_t kMaxPassword = 4096;

// A password that is no other value, and that no error quotes.
absl::optional<std::string> ReadPassword(FileReader& file, Field field) {
  if (!field) return absl::nullopt;
  file.Conceal(*field.node);
  absl::optional<std::string> password = file.Text(field);
  if (!password.has_value() || (!password->empty() && password->size() <= kMaxPassword)) {
    return password;
  }
  file.Refuse(*field.node,
              absl::StrCat("'", field.name, "' is ", password->empty() ? "empty" : "too long"),
              absl::StrCat("1 to ", kMaxPassword, " bytes; leave it out for none"));
  return absl::nullopt;
}

// `prefix` is what the three keys begin with.
RedisLoginSpec ReadLogin(FileReader& file, MapReader& map, absl::string_view prefix) {
  RedisLoginSpec login;
  const Field username = map.Find(prefix, "username");
  const Field password = map.Find(prefix, "password");
  const Field password_file = map.Find(prefix, "password_file");
  login.username = file.Name(username).value_or("");
  login.password = ReadPassword(file, password).value_or("");
  login.password_file = file.Path(password_file).value_or("");
  if (password && password_file) {
    file.Refuse(*password_file.node,
                absl::StrCat("both '", password.name, "' and '", password_file.name, "' are given"),
                "keep one of them");
  }
  if (username && !password && !password_file) {
    file.Refuse(*username.node,
                absl::StrCat("'", username.name, "' says nothing without a password"),
                absl::StrCat("give '", password.name, "' or '", password_file.name, "' too"));
  }
  return login;
}

absl::optional<RedisTlsSpec> ReadTls(FileReader& file, Field section) {
  if (!section) return absl::nullopt;
  MapReader map(file, section, "redis tls", "the tls of a redis backend");
  RedisTlsSpec tls;
  ReadCertificates(file, map.Find("ca_file"), tls.ca_file);
  const Field cert = map.Find("cert_file");
  const Field key = map.Find("key_file");
  ReadKey(file, key, ReadCertificates(file, cert, tls.cert_file), tls.key_file);
  if (static_cast<bool>(cert) != static_cast<bool>(key)) {
    file.Refuse(*(cert ? cert : key).node,
                absl::StrCat("'", cert ? "cert_file" : "key_file", "' stands alone"),
                "give 'cert_file' and 'key_file', or neither");
  }
  tls.server_name = file.Name(map.Find("server_name")).value_or("");
  map.Finish();
  return tls;
}

// What stands in `addresses`, as far as it is right; the fields go to `fields`.
std::vector<RedisUrl> ReadUrls(FileReader& file, Field list, std::vector<Field>& fields) {
  std::vector<RedisUrl> urls;
  const std::vector<Field> items = file.Items(list);
  if (items.size() > kMaxAddresses) {
    file.Refuse(*list.node, absl::StrCat("'addresses' has ", items.size(), " of them"),
                absl::StrCat("at most ", kMaxAddresses));
    return urls;
  }
  for (const Field& item : items) {
    const absl::optional<std::string> text = file.Text(item);
    if (!text.has_value()) continue;
    absl::StatusOr<RedisUrl> url = ParseRedisUrl(*text);
    const bool secret = absl::StrContains(item.node->text, "@");
    if (secret) file.Conceal(*item.node);
    if (url.ok()) {
      urls.push_back(*std::move(url));
      fields.push_back(item);
    } else {
      file.Refuse(*item.node, absl::StrCat("address ", secret ? "with a secret" : Found(*item.node),
                                           ": ", url.status().message()));
    }
  }
  return urls;
}

void ReadAddresses(FileReader& file, MapReader& map, RedisConnectionSpec& connection) {
  const Field list = map.Find("addresses");
  std::vector<Field> fields;
  const std::vector<RedisUrl> urls = ReadUrls(file, list, fields);
  const bool none = !list || list.node->kind == YamlNode::Kind::kNull ||
                    (list.node->kind == YamlNode::Kind::kList && list.node->items.empty());
  if (none && map.node().line > 0) {
    file.Refuse(list ? *list.node : map.node(), "'addresses' is missing in a redis backend",
                "for example addresses: [\"127.0.0.1:6379\"]");
  }
  for (RedisAddressProblem& problem : TakeAddresses(urls, connection)) {
    file.Refuse(*fields[problem.index].node, std::move(problem.what), std::move(problem.hint));
  }
}

// What is for Sentinels alone.
void ReadSentinel(FileReader& file, MapReader& map, RedisConnectionSpec& connection) {
  const Field master = map.Find("sentinel_master");
  connection.sentinel_master = file.Name(master).value_or("");
  connection.sentinel_login = ReadLogin(file, map, "sentinel_");
  if (connection.mode == Mode::kSentinel) {
    if (!master) {
      file.Refuse(map.node(), "'sentinel_master' is missing in a redis backend of mode sentinel",
                  "what the Sentinels call the Redis, for example sentinel_master: mymaster");
    }
    return;
  }
  for (const absl::string_view key :
       {"sentinel_master", "sentinel_username", "sentinel_password", "sentinel_password_file"}) {
    if (const YamlNode* node = map.node().Find(key); node != nullptr) {
      file.Refuse(*node, absl::StrCat("'", key, "' is for mode: sentinel"),
                  "say that, or leave it out");
    }
  }
}

void ReadConnection(FileReader& file, MapReader& map, RedisConnectionSpec& connection) {
  connection.mode = file.Choice<Mode>(map.Find("mode"), {{"single", Mode::kSingle},
                                                         {"sentinel", Mode::kSentinel},
                                                         {"cluster", Mode::kCluster}})
                        .value_or(connection.mode);
  ReadSentinel(file, map, connection);
  connection.login = ReadLogin(file, map, "");
  const Field database = map.Find("database");
  connection.database = static_cast<int>(file.Whole(database, 0, 65535).value_or(0));
  if (connection.mode == Mode::kCluster && connection.database != 0) {
    file.Refuse(*database.node, "a Cluster has database 0 alone", "leave 'database' out");
  }
  connection.tls = ReadTls(file, map.Find("tls"));
  ReadAddresses(file, map, connection);
  connection.connect_timeout_us =
      file.Duration(map.Find("connect_timeout"), kMillisecondUs, kMinuteUs)
          .value_or(connection.connect_timeout_us);
  connection.connections =
      static_cast<int>(file.Whole(map.Find("connections"), 1, 64).value_or(connection.connections));
  connection.max_inflight =
      file.Whole(map.Find("max_inflight"), 1, 1'000'000).value_or(connection.max_inflight);
  connection.hash_tag =
      file.Choice<HashTag>(map.Find("hash_tag"),
                           {{"identifier", HashTag::kIdentifier}, {"tenant", HashTag::kTenant}})
          .value_or(connection.hash_tag);
}

void ReadBreaker(FileReader& file, Field section, RedisSpec& spec) {
  MapReader map(file, section, "breaker");
  spec.failure_threshold = static_cast<int>(
      file.Whole(map.Find("failure_threshold"), 1, 1'000'000).value_or(spec.failure_threshold));
  spec.recovery_timeout_us = file.Duration(map.Find("recovery_timeout"), kMillisecondUs, kHourUs)
                                 .value_or(spec.recovery_timeout_us);
  spec.success_threshold = static_cast<int>(
      file.Whole(map.Find("success_threshold"), 1, 1'000'000).value_or(spec.success_threshold));
  map.Finish();
}

void ReadRetry(FileReader& file, Field section, RedisSpec& spec) {
  MapReader map(file, section, "retry");
  spec.max_retries =
      static_cast<int>(file.Whole(map.Find("max_retries"), 0, 100).value_or(spec.max_retries));
  spec.retry_delay_us =
      file.Duration(map.Find("delay"), 0, 10 * kSecondUs).value_or(spec.retry_delay_us);
  spec.retry_multiplier =
      file.Number(map.Find("multiplier"), 1, 100).value_or(spec.retry_multiplier);
  map.Finish();
}

}  // namespace

RedisSpec ReadRedis(FileReader& file, MapReader& map) {
  RedisSpec spec;
  ReadConnection(file, map, spec.connection);
  spec.deadline_us = file.Duration(map.Find("deadline"), kMillisecondUs, 10 * kSecondUs)
                         .value_or(spec.deadline_us);
  ReadBreaker(file, map.Find("breaker"), spec);
  ReadRetry(file, map.Find("retry"), spec);
  return spec;
}

}  // namespace sluice
