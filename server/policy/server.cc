// `server`: the doors, and who may come in.
#include <arpa/inet.h>

#include <climits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/ip_address.h"
#include "policy/sections.h"
#include "policy/tls_fields.h"

namespace sluice {
namespace {

// With the zero byte, which would end the name for the system.
constexpr absl::string_view kNotInHosts(":[]/ \t", 7);
constexpr absl::string_view kOff = "off";
constexpr size_t kMaxRules = 1000;

absl::string_view HostOf(absl::string_view address) {
  absl::string_view host = address.substr(0, address.rfind(':'));
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  return host;
}

bool IsAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return false;
  const absl::string_view host = text.substr(0, colon);
  const absl::string_view port = text.substr(colon + 1);
  int number = 0;
  if (port.empty() || port.find_first_not_of("0123456789") != absl::string_view::npos ||
      !absl::SimpleAtoi(port, &number) || number > 65535) {
    return false;
  }
  if (absl::StartsWith(host, "[")) return host.size() > 2 && absl::EndsWith(host, "]");
  return !host.empty() && host.find_first_of(kNotInHosts) == absl::string_view::npos;
}

// All that Debian's civetweb listens on: it is built without IPv6, and looks up no names.
bool IsIpv4Address(absl::string_view text) {
  in_addr host{};
  return IsAddress(text) &&
         inet_pton(AF_INET, std::string(text.substr(0, text.rfind(':'))).c_str(), &host) == 1;
}

bool IsAddressOrOff(absl::string_view text) { return text == kOff || IsAddress(text); }

// Whether nobody but this host reaches it.
bool IsLoopback(absl::string_view address) {
  const absl::string_view host = HostOf(address);
  if (absl::EqualsIgnoreCase(host, "localhost")) return true;
  const absl::optional<IpAddress> ip = IpAddress::Parse(host);
  return ip.has_value() && (Cidr::Parse("127.0.0.0/8")->Contains(*ip) ||  //
                            Cidr::Parse("::1")->Contains(*ip));
}

// `form` names in errors what `right` takes.
absl::optional<std::string> ReadAddress(FileReader& file, Field field,
                                        bool (*right)(absl::string_view), absl::string_view form,
                                        std::string hint) {
  absl::optional<std::string> text = file.Text(field);
  if (!text.has_value() || right(*text)) return text;
  file.Refuse(*field.node,
              absl::StrCat("'", field.name, "' must be ", form, ", found ", Found(*field.node)),
              std::move(hint));
  return absl::nullopt;
}

absl::optional<TlsSpec> ReadTls(FileReader& file, Field section, absl::string_view what) {
  if (!section) return absl::nullopt;
  MapReader map(file, section, "tls", std::string(what));
  TlsSpec tls;
  const Field cert = map.Require("cert_file", "the server's certificate, in PEM");
  const Field key = map.Require("key_file", "the private key of the certificate, in PEM");
  const absl::optional<std::string> certificates = ReadCertificates(file, cert, tls.cert_file);
  ReadKey(file, key, certificates, tls.key_file);
  ReadCertificates(file, map.Find("client_ca_file"), tls.client_ca_file);
  map.Finish();
  return tls;
}

absl::optional<int64_t> ReadAge(FileReader& file, Field field) {
  const absl::optional<int64_t> us = file.Duration(field);
  if (us.has_value() && *us == 0) {
    file.Refuse(*field.node, absl::StrCat("'", field.name, "' must be above 0"),
                "leave it out for connections without an end");
    return absl::nullopt;
  }
  return us;
}

AuthRule ReadRule(FileReader& file, Field item) {
  MapReader map(file, item, "a rule of server.auth");
  AuthRule rule;
  rule.position = file.At(*item.node);
  rule.mtls_san = file.Name(map.Require("mtls_san",
                                        "a name in the callers' certificates; `*` is "
                                        "any characters"))
                      .value_or("");
  const Field tenants = map.Find("tenants");
  for (const Field& tenant : file.Items(tenants)) {
    absl::optional<std::string> name = file.Text(tenant);
    if (name.has_value()) rule.tenants.push_back(*std::move(name));
  }
  const Field admin = map.Find("admin");
  rule.admin = file.Flag(admin).value_or(false);
  map.Finish();
  if (map.node().line > 0 && !tenants && !admin) {
    file.Refuse(map.node(), "the rule allows nothing",
                "give tenants: [NAME] (\"\" is the default tenant, \"*\" any), or admin: true");
  }
  return rule;
}

Auth ReadAuth(FileReader& file, Field section) {
  if (!section) return Auth();
  std::vector<AuthRule> rules;
  const std::vector<Field> items = file.Items(section);
  if (items.size() > kMaxRules) {
    file.Refuse(*section.node, absl::StrCat("'auth' has ", items.size(), " rules"),
                absl::StrCat("at most ", kMaxRules));
    return Auth();
  }
  using Kind = YamlNode::Kind;
  const bool none = section.node->kind == Kind::kNull || section.node->kind == Kind::kList;
  if (items.empty() && none) {
    // Whoever writes the key means to close the door.
    file.Refuse(*section.node, "'auth' has no rules, so that nobody could ask",
                "leave it out to let anyone name any tenant");
  }
  rules.reserve(items.size());
  for (const Field& item : items) rules.push_back(ReadRule(file, item));
  return Auth(std::move(rules));
}

bool KnowsClients(const absl::optional<TlsSpec>& tls) {
  return tls.has_value() && !tls->client_ca_file.empty();
}

// What the parts mean together.
void CheckDoors(FileReader& file, const ServerSpec& spec, Field auth, Field admin_address) {
  if (!spec.auth.open() && !KnowsClients(spec.grpc_tls)) {
    file.Refuse(*auth.node,
                "'auth' knows callers by their certificates, and the gRPC port asks for none",
                "give server.grpc.tls a client_ca_file");
  }
  const bool guarded = !spec.auth.open() && KnowsClients(spec.admin_tls);
  if (!admin_address || spec.admin_address.empty() || IsLoopback(spec.admin_address) || guarded) {
    return;
  }
  file.Refuse(*admin_address.node,
              absl::StrCat("whoever reaches ", Found(*admin_address.node),
                           " could change the limits: Admin listens beyond this host only for "
                           "callers that are known"),
              "use 127.0.0.1:8082, or give server.admin.tls a client_ca_file and say in "
              "server.auth who has admin: true");
}

void ReadAdmin(FileReader& file, MapReader& admin, ServerSpec& spec) {
  const absl::optional<std::string> address =
      ReadAddress(file, admin.Find("address"), IsAddressOrOff, "host:port or off",
                  "for example 127.0.0.1:8082");
  if (address.has_value()) spec.admin_address = *address == kOff ? "" : *address;
  spec.admin_address_given = address.has_value();
  spec.admin_tls = ReadTls(file, admin.Find("tls"), "server.admin.tls");
}

void ReadGrpc(FileReader& file, MapReader& grpc, ServerSpec& spec) {
  spec.grpc_address = ReadAddress(file, grpc.Find("address"), IsAddress, "host:port",
                                  "for example 0.0.0.0:8081 or [::]:8081")
                          .value_or(spec.grpc_address);
  spec.grpc_tls = ReadTls(file, grpc.Find("tls"), "server.grpc.tls");
  spec.max_connection_age_us = ReadAge(file, grpc.Find("max_connection_age"));
  grpc.NotYet({"direct", "threads"});
}

void ReadHttp(FileReader& file, MapReader& http, ServerSpec& spec) {
  spec.http_address =
      ReadAddress(file, http.Find("address"), IsIpv4Address, "an IPv4 address and a port",
                  "the HTTP door has no IPv6 and looks up no names; for example "
                  "0.0.0.0:8080")
          .value_or(spec.http_address);
  http.NotYet({"tls"});
}

}  // namespace

ServerSpec ReadServer(FileReader& file, Field section) {
  ServerSpec spec;
  MapReader server(file, section, "server");
  MapReader grpc(file, server.Find("grpc"), "server.grpc");
  MapReader http(file, server.Find("http"), "server.http");
  MapReader admin(file, server.Find("admin"), "server.admin");
  ReadGrpc(file, grpc, spec);
  ReadHttp(file, http, spec);
  ReadAdmin(file, admin, spec);
  const Field auth = server.Find("auth");
  spec.auth = ReadAuth(file, auth);
  spec.allow_reset = file.Flag(server.Find("allow_reset")).value_or(spec.allow_reset);
  spec.drain_delay_us = file.Duration(server.Find("drain_delay")).value_or(spec.drain_delay_us);
  spec.drain_grace_us = file.Duration(server.Find("drain_grace")).value_or(spec.drain_grace_us);
  for (MapReader* map : {&server, &grpc, &http, &admin}) map->Finish();
  CheckDoors(file, spec, auth, {"address", admin.node().Find("address")});
  return spec;
}

}  // namespace sluice
