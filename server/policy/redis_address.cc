#include "policy/redis_address.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/ip_address.h"
#include "core/utf8.h"

namespace sluice {
namespace {

using Mode = RedisConnectionSpec::Mode;
using Tls = RedisUrl::Tls;

constexpr size_t kMaxHost = 253;      // a name in DNS
constexpr size_t kMaxUnixPath = 107;  // what the system takes
constexpr size_t kMaxText = 4096;
constexpr int kRedisPort = 6379;
constexpr int kSentinelPort = 26379;
constexpr int kMaxDatabase = 65535;

absl::Status Wrong(absl::string_view what) { return absl::InvalidArgumentError(what); }

bool IsGraphic(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

bool HasControl(absl::string_view text) {
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) return true;
  }
  return false;
}

// A number of digits alone, in [least, most].
absl::optional<int> Number(absl::string_view digits, int least, int most) {
  int number = 0;
  if (digits.empty() || digits.find_first_not_of("0123456789") != absl::string_view::npos ||
      !absl::SimpleAtoi(digits, &number) || number < least || number > most) {
    return absl::nullopt;
  }
  return number;
}

absl::Status ParseUnixPath(absl::string_view path, RedisAddress& address) {
  if (!absl::StartsWith(path, "/") || path.size() > kMaxUnixPath || HasControl(path)) {
    return Wrong(absl::StrCat("the socket's path must begin with '/' and have at most ",
                              kMaxUnixPath, " bytes (for example unix:/run/redis/redis.sock)"));
  }
  address.unix_path = std::string(path);
  return absl::OkStatus();
}

// `host:port`, or `host` where `port_optional`.
absl::Status ParseHostPort(absl::string_view text, bool port_optional, RedisAddress& address) {
  absl::string_view host = text;
  absl::string_view port;
  const size_t colon = text.rfind(':');
  const size_t bracket = text.rfind(']');
  const bool has_port =
      colon != absl::string_view::npos && (bracket == absl::string_view::npos || bracket < colon);
  if (has_port) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  const bool bracketed = absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]");
  const bool stray =
      host.find_first_of("[]/@?#,") != absl::string_view::npos ||
      (bracketed ? !IpAddress::Parse(host).has_value() : absl::StrContains(host, ":"));
  if (host.empty() || host.size() > kMaxHost || stray || !IsGraphic(host)) {
    return Wrong(
        "the host must be a name, an IPv4 address, or an IPv6 address in brackets (for example "
        "127.0.0.1:6379 or [::1]:6379)");
  }
  address.host = std::string(host);
  if (!has_port && port_optional) return absl::OkStatus();
  const absl::optional<int> number = Number(port, 1, 65535);
  if (!number.has_value()) {
    return Wrong(has_port ? "the port must be a number from 1 to 65535"
                          : "the port is missing (for example redis.internal:6379)");
  }
  address.port = *number;
  return absl::OkStatus();
}

// One part of a URL, with its `%xx` read. False for a broken one.
bool ReadPercent(absl::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const absl::string_view hex = text.substr(i + 1, 2);
    if (hex.size() < 2 || !absl::ascii_isxdigit(static_cast<unsigned char>(hex[0])) ||
        !absl::ascii_isxdigit(static_cast<unsigned char>(hex[1]))) {
      return false;
    }
    out += absl::HexStringToBytes(hex);
    i += 2;
  }
  return true;
}

// `user:password`.
absl::Status ParseUserInfo(absl::string_view text, RedisLoginSpec& login) {
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos || colon + 1 == text.size()) {
    return Wrong(
        "the user has no password (give both as redis://user:password@host, the user may be "
        "empty)");
  }
  const bool read = ReadPercent(text.substr(0, colon), login.username) &&
                    ReadPercent(text.substr(colon + 1), login.password);
  if (read && IsUtf8(login.username) && !HasControl(login.username)) return absl::OkStatus();
  return Wrong("a '%' in the user or the password must be followed by two hex digits");
}

absl::Status ParseUrl(absl::string_view rest, RedisUrl& url) {
  if (const size_t at = rest.rfind('@'); at != absl::string_view::npos) {
    if (absl::Status status = ParseUserInfo(rest.substr(0, at), url.login); !status.ok()) {
      return status;
    }
    rest.remove_prefix(at + 1);
  }
  const size_t slash = rest.find('/');
  if (slash != absl::string_view::npos && slash + 1 < rest.size()) {
    url.database = Number(rest.substr(slash + 1), 0, kMaxDatabase);
    if (!url.database.has_value()) {
      return Wrong(absl::StrCat("behind the host stands the database, a number from 0 to ",
                                kMaxDatabase, " (for example redis://127.0.0.1:6379/2)"));
    }
  }
  return ParseHostPort(rest.substr(0, slash), /*port_optional=*/true, url.address);
}

absl::Status Parse(absl::string_view text, RedisUrl& url) {
  if (text.size() > kMaxText) {
    return Wrong(absl::StrCat("the address is longer than ", kMaxText, " bytes"));
  }
  if (absl::ConsumePrefix(&text, "unix:")) return ParseUnixPath(text, url.address);
  if (absl::ConsumePrefix(&text, "redis://")) {
    url.tls = Tls::kOff;
    return ParseUrl(text, url);
  }
  if (absl::ConsumePrefix(&text, "rediss://")) {
    url.tls = Tls::kOn;
    return ParseUrl(text, url);
  }
  if (absl::StrContains(text, "://")) {
    return Wrong("an address is host:port, unix:/path, redis://host:port or rediss://host:port");
  }
  if (absl::StrContains(text, "@")) {
    return Wrong("a user and a password stand in a URL (for example redis://user:password@host)");
  }
  return ParseHostPort(text, /*port_optional=*/false, url.address);
}

bool Says(const RedisLoginSpec& login) { return !(login == RedisLoginSpec()); }

// Collects what is wrong with addresses that are taken one after the other.
class Taking {
 public:
  explicit Taking(RedisConnectionSpec& connection)
      : connection_(connection),
        login_(connection.mode == Mode::kSentinel ? connection.sentinel_login : connection.login),
        login_given_(Says(login_)),
        database_given_(connection.database != 0),
        tls_given_(connection.tls.has_value()) {}

  void Take(const RedisUrl& url) {
    TakeAddress(url.address);
    TakeTls(url);
    TakeLogin(url.login);
    TakeDatabase(url.database);
    ++index_;
  }

  std::vector<RedisAddressProblem> problems() && { return std::move(problems_); }

 private:
  void Refuse(std::string what, std::string hint) {
    problems_.push_back({index_, std::move(what), std::move(hint)});
  }

  void TakeAddress(RedisAddress address) {
    if (connection_.mode == Mode::kSingle && index_ == 1) {
      Refuse("mode single has one address, and here is another",
             "leave one, or say mode: cluster, or mode: sentinel when they are Sentinels");
    }
    const bool unix_socket = !address.unix_path.empty();
    if (unix_socket && connection_.mode == Mode::kCluster) {
      Refuse("a Unix socket leads to no Cluster, whose nodes name each other by host and port",
             "give host:port");
    }
    if (!unix_socket && address.port == 0) {
      address.port = connection_.mode == Mode::kSentinel ? kSentinelPort : kRedisPort;
    }
    connection_.addresses.push_back(std::move(address));
  }

  void TakeTls(const RedisUrl& url) {
    const bool on = url.tls == Tls::kOn;
    if (on && index_ == 0 && !tls_given_) connection_.tls.emplace();
    if (on && !connection_.tls.has_value()) {
      Refuse("this address speaks TLS, and the first does not", "write rediss:// before all");
    } else if (connection_.tls.has_value() && url.tls == Tls::kOff) {
      Refuse(tls_given_ ? "redis:// is in the clear, and TLS is asked for beside it"
                        : "redis:// is in the clear, and the first address speaks TLS",
             "write rediss:// before all");
    } else if (connection_.tls.has_value() && !on && !tls_given_) {
      Refuse("this address does not say TLS, and the first does", "write rediss:// before all");
    } else if (tls_given_ && !url.address.unix_path.empty()) {
      Refuse("a Unix socket has no TLS, and it is asked for beside it", "leave one out");
    }
  }

  void TakeLogin(const RedisLoginSpec& login) {
    if (!Says(login)) return;
    if (login_given_) {
      Refuse("a user and a password stand in the address, and beside it too",
             "keep them in one place");
    } else if (Says(login_) && !(login_ == login)) {
      Refuse("the user and the password are others than those of an address before",
             "all addresses share one user");
    } else {
      login_ = login;
    }
  }

  void TakeDatabase(absl::optional<int> database) {
    if (!database.has_value()) return;
    if (connection_.mode == Mode::kSentinel) {
      Refuse("a Sentinel has no database", "give the one of the Redis behind it as 'database'");
    } else if (connection_.mode == Mode::kCluster) {
      if (*database != 0) Refuse("a Cluster has database 0 alone", "leave it out");
    } else if (database_given_ && connection_.database != *database) {
      Refuse(absl::StrCat("the database is ", *database, " here, and ", connection_.database,
                          " in 'database'"),
             "keep it in one place");
    } else {
      connection_.database = *database;
    }
  }

  RedisConnectionSpec& connection_;
  RedisLoginSpec& login_;
  const bool login_given_;
  const bool database_given_;
  const bool tls_given_;
  size_t index_ = 0;
  std::vector<RedisAddressProblem> problems_;
};

}  // namespace

absl::StatusOr<RedisUrl> ParseRedisUrl(absl::string_view text) {
  RedisUrl url;
  absl::Status status = Parse(text, url);
  if (!status.ok()) return status;
  return url;
}

std::vector<RedisAddressProblem> TakeAddresses(absl::Span<const RedisUrl> urls,
                                               RedisConnectionSpec& connection) {
  Taking taking(connection);
  for (const RedisUrl& url : urls) taking.Take(url);
  return std::move(taking).problems();
}

}  // namespace sluice
