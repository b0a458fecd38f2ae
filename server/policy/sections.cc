#include "policy/sections.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "policy/keys.h"
#include "policy/redis_reader.h"

namespace sluice {
namespace {

using Then = OnError::Then;

constexpr int64_t kMostKeys = int64_t{1} << 40;
constexpr size_t kMaxContextEntries = 64;
constexpr size_t kMaxContextBytes = 1024;  // key and value together

// Tells where keys stand that are for a backend of the other type.
void RefuseOthers(FileReader& file, MapReader& map, absl::string_view own,
                  absl::string_view other) {
  const ConfigSection& section = ConfigSectionOf(absl::StrCat("a ", own, " backend"));
  for (const ConfigKey& key : ConfigSectionOf(absl::StrCat("a ", other, " backend")).keys) {
    const YamlNode* node = section.Find(key.key) ? nullptr : map.node().Find(key.key);
    if (node == nullptr) continue;
    map.Ignore(key.key);
    file.Refuse(*node, absl::StrCat("'", key.key, "' is for a ", other, " backend"),
                absl::StrCat("leave it out, or say type: ", other));
  }
}

BackendSpec ReadMemoryBackend(FileReader& file, Field row) {
  MapReader map(file, row, "a memory backend");
  BackendSpec spec;
  map.Find("type");
  spec.max_keys = file.Whole(map.Find("max_keys"), 1, kMostKeys).value_or(spec.max_keys);
  spec.on_full = file.Choice<OnFull>(map.Find("on_full"),
                                     {{"throttle", OnFull::kThrottle}, {"allow", OnFull::kAllow}})
                     .value_or(spec.on_full);
  RefuseOthers(file, map, "memory", "redis");
  map.Finish();
  return spec;
}

BackendSpec ReadRedisBackend(FileReader& file, Field row) {
  MapReader map(file, row, "a redis backend");
  BackendSpec spec;
  map.Find("type");
  spec.redis = ReadRedis(file, map);
  RefuseOthers(file, map, "redis", "memory");
  map.Finish();
  return spec;
}

// Without a type that there is, its other keys mean nothing.
BackendSpec ReadBackend(FileReader& file, Field row) {
  using Read = BackendSpec (*)(FileReader&, Field);
  BackendSpec spec;
  if (file.IsMap(row, "a backend")) {
    const Field type = {"type", row.node->Find("type")};
    if (!type) {
      file.Refuse(*row.node, "'type' is missing in a backend", "for example type: memory");
    }
    const absl::optional<Read> read =
        file.Choice<Read>(type, {{"memory", ReadMemoryBackend}, {"redis", ReadRedisBackend}});
    if (read.has_value()) spec = (*read)(file, row);
    spec.type = spec.redis.has_value() ? "redis" : "memory";
  }
  spec.name = std::string(row.name);
  return spec;
}

// The rows of a map from names that the file chooses, each with its name checked.
std::vector<Field> NamedRows(FileReader& file, Field section, absl::string_view what) {
  std::vector<Field> rows;
  if (!file.IsMap(section, absl::StrCat("'", section.name, "'"))) return rows;
  for (const YamlNode::Entry& entry : section.node->entries) {
    if (!file.Name({what, entry.key}).has_value()) continue;
    rows.push_back({entry.key->text, entry.value});
  }
  return rows;
}

}  // namespace

LogSpec ReadLog(FileReader& file, Field section) {
  using Level = LogSpec::Level;
  LogSpec log;
  MapReader map(file, section, "log");
  log.level = file.Choice<Level>(map.Find("level"), {{"debug", Level::kDebug},
                                                     {"info", Level::kInfo},
                                                     {"warn", Level::kWarn},
                                                     {"error", Level::kError}})
                  .value_or(log.level);
  log.json =
      file.Choice<bool>(map.Find("format"), {{"text", false}, {"json", true}}).value_or(log.json);
  map.Finish();
  return log;
}

std::vector<BackendSpec> ReadBackends(FileReader& file, Field section, BackendSpec standard) {
  std::vector<BackendSpec> backends;
  for (const Field& row : NamedRows(file, section, "backend name"))
    backends.push_back(ReadBackend(file, row));
  if (backends.empty()) backends.push_back(std::move(standard));
  return backends;
}

absl::optional<size_t> ReadBackendName(FileReader& file, Field field,
                                       const std::vector<BackendSpec>& backends) {
  const absl::optional<std::string> name = file.Text(field);
  if (!name.has_value()) return absl::nullopt;
  std::vector<absl::string_view> names;
  for (const BackendSpec& backend : backends) {
    if (backend.name == *name) return names.size();
    names.push_back(backend.name);
  }
  file.Refuse(*field.node, absl::StrCat("unknown backend ", Found(*field.node)),
              DidYouMean(*name, names));
  return absl::nullopt;
}

std::vector<Tenant> ReadTenants(FileReader& file, Field section, Tenant standard,
                                const std::vector<BackendSpec>& backends) {
  std::vector<Tenant> tenants = {std::move(standard)};
  for (const Field& row : NamedRows(file, section, "tenant name")) {
    MapReader map(file, row, "a tenant");
    Tenant tenant = tenants.front();
    tenant.name = std::string(row.name);
    tenant.position = file.At(*row.node);
    tenant.name_space = file.Name(map.Find("namespace")).value_or(tenant.name_space);
    const Field backend = map.Find("backend");
    tenant.backend = ReadBackendName(file, backend, backends).value_or(tenant.backend);
    if (backend) tenant.backend_position = file.At(*backend.node);
    tenant.context = ReadContext(file, map.Find("default_context")).value_or(Context());
    map.Finish();
    tenants.push_back(std::move(tenant));
  }
  return tenants;
}

absl::optional<Context> ReadContext(FileReader& file, Field field) {
  if (!field) return absl::nullopt;
  Context context;
  for (const Field& row : NamedRows(file, field, "context key")) {
    if (LooksSecret(row.name)) file.Conceal(*row.node);
    const absl::optional<std::string> value = file.Text(row);
    if (!value.has_value()) continue;
    if (row.name.size() + value->size() > kMaxContextBytes) {
      file.Refuse(*row.node, absl::StrCat("'", row.name, "' and its value are too long"),
                  absl::StrCat("at most ", kMaxContextBytes, " bytes together"));
    }
    context[row.name] = *value;
  }
  if (context.size() > kMaxContextEntries) {
    file.Refuse(*field.node, absl::StrCat("'", field.name, "' has ", context.size(), " entries"),
                absl::StrCat("at most ", kMaxContextEntries));
  }
  return context;
}

OnError ReadOnError(FileReader& file, Field field, const std::vector<BackendSpec>& backends) {
  OnError on_error;
  if (!field) return on_error;
  const auto read_then = [&file](Field then) {
    return file
        .Choice<Then>(
            then, {{"throttle", Then::kThrottle}, {"allow", Then::kAllow}, {"raise", Then::kRaise}})
        .value_or(Then::kThrottle);
  };
  if (field.node->kind != YamlNode::Kind::kMap) {
    on_error.then = read_then(field);
    return on_error;
  }
  MapReader map(file, field, "on_error");
  on_error.fallback = ReadBackendName(
      file, map.Require("fallback", "the backend to ask then, for example {fallback: local}"),
      backends);
  on_error.then = read_then(map.Find("then"));
  map.Finish();
  return on_error;
}

ClientIpPolicy ReadClientIp(FileReader& file, Field section) {
  ClientIpPolicy policy;
  MapReader map(file, section, "client_ip");
  const Field proxies = map.Find("trusted_proxies");
  for (const Field& item : file.Items(proxies)) {
    const absl::optional<std::string> text = file.Text(item);
    if (!text.has_value()) continue;
    absl::StatusOr<Cidr> network = Cidr::Parse(*text);
    if (network.ok()) {
      policy.trusted_proxies.push_back(*std::move(network));
    } else {
      file.Refuse(*item.node, std::string(network.status().message()));
    }
  }
  const Field headers = map.Find("headers");
  for (const Field& item : file.Items(headers)) {
    const absl::optional<std::string> name = file.Name(item);
    if (name.has_value()) policy.headers.push_back(absl::AsciiStrToLower(*name));
  }
  if (policy.headers.empty() && !policy.trusted_proxies.empty()) {
    policy.headers.emplace_back("x-forwarded-for");
  }
  const bool nobody =
      !proxies || (proxies.node->kind != YamlNode::Kind::kScalar && proxies.node->items.empty());
  if (nobody && headers) {
    // Whoever sends the header would choose who it is.
    file.Refuse(*headers.node, "'headers' are believed of trusted proxies only, and there are none",
                "name them, for example trusted_proxies: [10.0.0.0/8]");
  }
  policy.ipv6_prefix = static_cast<int>(file.Whole(map.Find("ipv6_prefix"), 1, 128).value_or(128));
  map.Finish();
  return policy;
}

}  // namespace sluice
