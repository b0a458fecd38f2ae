#include "policy/redis_environment.h"

#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "policy/redis_address.h"
#include "policy/tls_files.h"

namespace sluice {
namespace {

using Mode = RedisConnectionSpec::Mode;

constexpr size_t kMaxAddresses = 64;
constexpr size_t kMaxName = 256;

constexpr absl::string_view kUrl = "REDIS_URL";
constexpr absl::string_view kType = "REDIS_TYPE";
constexpr absl::string_view kAuth = "REDIS_AUTH";
constexpr absl::string_view kSocketType = "REDIS_SOCKET_TYPE";
constexpr absl::string_view kTls = "REDIS_TLS";
constexpr absl::string_view kCaFile = "REDIS_TLS_CACERT";

constexpr std::array<absl::string_view, 5> kBesideUrl = {kType, kAuth, kSocketType, kTls, kCaFile};
constexpr std::array<absl::string_view, 24> kOthers = {
    "REDIS_HEALTH_CHECK_ACTIVE_CONNECTION",
    "REDIS_PERSECOND",
    "REDIS_PERSECOND_AUTH",
    "REDIS_PERSECOND_PIPELINE_LIMIT",
    "REDIS_PERSECOND_PIPELINE_WINDOW",
    "REDIS_PERSECOND_POOL_ON_EMPTY_BEHAVIOR",
    "REDIS_PERSECOND_POOL_ON_EMPTY_WAIT_DURATION",
    "REDIS_PERSECOND_POOL_SIZE",
    "REDIS_PERSECOND_SENTINEL_AUTH",
    "REDIS_PERSECOND_SOCKET_TYPE",
    "REDIS_PERSECOND_TIMEOUT",
    "REDIS_PERSECOND_TLS",
    "REDIS_PERSECOND_TYPE",
    "REDIS_PERSECOND_URL",
    "REDIS_PIPELINE_LIMIT",
    "REDIS_PIPELINE_WINDOW",
    "REDIS_POOL_ON_EMPTY_BEHAVIOR",
    "REDIS_POOL_ON_EMPTY_WAIT_DURATION",
    "REDIS_POOL_SIZE",
    "REDIS_SENTINEL_AUTH",
    "REDIS_TIMEOUT",
    "REDIS_TLS_CLIENT_CERT",
    "REDIS_TLS_CLIENT_KEY",
    "REDIS_TLS_SKIP_HOSTNAME_VERIFICATION",
};
absl::Status Wrong(absl::string_view variable, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(variable, ": ", what));
}

std::string ValueOf(const Environment& environment, absl::string_view name) {
  return environment(name).value_or("");
}

absl::StatusOr<Mode> ReadMode(const std::string& text) {
  const std::string word = absl::AsciiStrToLower(text);
  if (word.empty() || word == "single") return Mode::kSingle;
  if (word == "sentinel") return Mode::kSentinel;
  if (word == "cluster") return Mode::kCluster;
  return Wrong(kType, absl::StrCat("'", text, "' is no type (use SINGLE, SENTINEL or CLUSTER)"));
}

absl::StatusOr<bool> ReadTls(const std::string& text) {
  const std::string word = absl::AsciiStrToLower(text);
  if (word == "true" || word == "t" || word == "1") return true;
  if (word.empty() || word == "false" || word == "f" || word == "0") return false;
  return Wrong(kTls, absl::StrCat("'", text, "' is neither true nor false"));
}

absl::StatusOr<bool> ReadUnix(const std::string& text) {
  const std::string word = absl::AsciiStrToLower(text);
  if (word.empty() || word == "tcp") return false;
  if (word == "unix") return true;
  return Wrong(kSocketType, absl::StrCat("'", text, "' is no socket type (use tcp or unix)"));
}

RedisLoginSpec ReadAuth(const std::string& text) {
  RedisLoginSpec login;
  const size_t colon = text.find(':');
  if (colon != std::string::npos) login.username = text.substr(0, colon);
  login.password = colon == std::string::npos ? text : text.substr(colon + 1);
  return login;
}

// Takes the first of the comma-separated texts away.
absl::Status TakeMaster(std::vector<std::string>& texts, std::string& master) {
  const std::string& name = texts.front();
  const bool is_address = absl::StrContains(name, ":") || absl::StrContains(name, "/");
  if (name.empty() || name.size() > kMaxName || is_address || texts.size() < 2) {
    return Wrong(kUrl,
                 "of a Sentinel it is the name of the Redis and then the Sentinels (for example "
                 "mymaster,10.0.0.1:26379,10.0.0.2:26379)");
  }
  master = name;
  texts.erase(texts.begin());
  return absl::OkStatus();
}

absl::Status TakeUrls(const std::vector<std::string>& texts, bool unix_socket,
                      RedisConnectionSpec& connection) {
  if (texts.size() > kMaxAddresses) {
    return Wrong(kUrl,
                 absl::StrCat("it has ", texts.size(), " addresses (at most ", kMaxAddresses, ")"));
  }
  std::vector<RedisUrl> urls;
  for (const std::string& text : texts) {
    const bool path = unix_socket && !absl::StartsWith(text, "unix:");
    absl::StatusOr<RedisUrl> url = ParseRedisUrl(path ? absl::StrCat("unix:", text) : text);
    const std::string shown =
        absl::StrContains(text, "@") ? "address with a secret" : absl::StrCat("'", text, "'");
    if (!url.ok()) return Wrong(kUrl, absl::StrCat(shown, ": ", url.status().message()));
    urls.push_back(*std::move(url));
  }
  const std::vector<RedisAddressProblem> problems = TakeAddresses(urls, connection);
  if (problems.empty()) return absl::OkStatus();
  return Wrong(kUrl, absl::StrCat(problems[0].what, " (", problems[0].hint, ")"));
}

absl::Status TakeCaFile(const std::string& path, RedisConnectionSpec& connection) {
  if (path.empty()) return absl::OkStatus();
  if (!connection.tls.has_value()) {
    return Wrong(kCaFile, "without TLS it says nothing (say REDIS_TLS=true, or leave it out)");
  }
  const absl::StatusOr<std::string> pem = ReadPemFile(path);
  const absl::Status status = pem.ok() ? CheckCertificates(*pem) : pem.status();
  if (!status.ok()) return Wrong(kCaFile, absl::StrCat("'", path, "': ", status.message()));
  connection.tls->ca_file = path;
  return absl::OkStatus();
}

absl::StatusOr<RedisConnectionSpec> ReadConnection(const Environment& environment) {
  RedisConnectionSpec connection;
  const absl::StatusOr<Mode> mode = ReadMode(ValueOf(environment, kType));
  if (!mode.ok()) return mode.status();
  connection.mode = *mode;
  const absl::StatusOr<bool> tls = ReadTls(ValueOf(environment, kTls));
  if (!tls.ok()) return tls.status();
  if (*tls) connection.tls.emplace();
  const absl::StatusOr<bool> unix_socket = ReadUnix(ValueOf(environment, kSocketType));
  if (!unix_socket.ok()) return unix_socket.status();
  connection.login = ReadAuth(ValueOf(environment, kAuth));
  if (connection.login.password.empty() && !connection.login.username.empty()) {
    return Wrong(kAuth, "there is no password behind the ':' (give password or user:password)");
  }
  std::vector<std::string> texts = absl::StrSplit(ValueOf(environment, kUrl), ',');
  for (std::string& text : texts) absl::StripAsciiWhitespace(&text);
  if (connection.mode == Mode::kSentinel) {
    absl::Status status = TakeMaster(texts, connection.sentinel_master);
    if (!status.ok()) return status;
  }
  absl::Status status = TakeUrls(texts, *unix_socket, connection);
  if (status.ok()) status = TakeCaFile(ValueOf(environment, kCaFile), connection);
  if (!status.ok()) return status;
  return connection;
}

}  // namespace

absl::StatusOr<absl::optional<BackendSpec>> RedisFromEnvironment(const Environment& environment) {
  if (ValueOf(environment, kUrl).empty()) return absl::nullopt;
  absl::StatusOr<RedisConnectionSpec> connection = ReadConnection(environment);
  if (!connection.ok()) return connection.status();
  BackendSpec spec;
  spec.name = "redis";
  spec.type = "redis";
  spec.redis.emplace().connection = *std::move(connection);
  return spec;
}

std::vector<std::string> UnusedRedisVariables(const Environment& environment) {
  std::vector<std::string> unused;
  const auto add = [&](absl::Span<const absl::string_view> names) {
    for (const absl::string_view name : names) {
      if (!ValueOf(environment, name).empty()) unused.emplace_back(name);
    }
  };
  if (ValueOf(environment, kUrl).empty()) add(kBesideUrl);
  add(kOthers);
  return unused;
}

}  // namespace sluice
