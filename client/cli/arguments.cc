#include "cli/arguments.h"

#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/text.h"
#include "policy/tls_files.h"

namespace sluice::cli {
namespace {

using ::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
using ::google::protobuf::Map;

absl::Status Malformed(absl::string_view argument, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("'", Printable(argument), "' ", why));
}

absl::Status AddEntry(absl::string_view argument, absl::string_view entry,
                      RateLimitDescriptor& descriptor) {
  const size_t equals = entry.find('=');
  if (equals == absl::string_view::npos || equals == 0) {
    return Malformed(argument,
                     absl::StrCat("is not k=v[,k=v]...: '", Printable(entry),
                                  "' lacks a key or '=' (a comma inside a value is written \\,)"));
  }
  auto* added = descriptor.add_entries();
  added->set_key(std::string(entry.substr(0, equals)));
  added->set_value(std::string(entry.substr(equals + 1)));
  return absl::OkStatus();
}

absl::StatusOr<Map<std::string, std::string>> ParsePairs(
    absl::Span<const std::string> arguments,
    absl::FunctionRef<std::string(absl::string_view)> name_of) {
  Map<std::string, std::string> pairs;
  for (absl::string_view argument : arguments) {
    const size_t equals = argument.find('=');
    if (equals == absl::string_view::npos || equals == 0) {
      return Malformed(argument, "is not k=v");
    }
    const std::string name = name_of(argument.substr(0, equals));
    if (pairs.contains(name)) return Malformed(argument, "gives a key that was given before");
    pairs[name] = std::string(argument.substr(equals + 1));
  }
  return pairs;
}

// Reads the file into `pem`, unless it has no name.
absl::Status ReadPem(absl::string_view option, const std::string& path,
                     absl::FunctionRef<absl::Status(absl::string_view)> check, std::string& pem) {
  if (path.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> text = ReadPemFile(path);
  const absl::Status status = text.ok() ? check(*text) : text.status();
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(option, ": ", Printable(path), ": ", status.message()));
  }
  pem = *std::move(text);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<uint64_t> ParseCount(absl::string_view text, uint64_t max) {
  uint64_t count = 0;
  if (text.empty() || text.find_first_not_of("0123456789") != absl::string_view::npos ||
      !absl::SimpleAtoi(text, &count) || count > max) {
    return Malformed(text, absl::StrCat("is not a whole number from 0 to ", max));
  }
  return count;
}

absl::StatusOr<absl::optional<Tls>> ReadTls(const std::string& ca, const std::string& cert,
                                            const std::string& key) {
  if (ca.empty() && cert.empty() && key.empty()) return absl::nullopt;
  if (cert.empty() != key.empty()) {
    return absl::InvalidArgumentError("--tls-cert and --tls-key go together");
  }
  const auto certificates = [](absl::string_view pem) { return CheckCertificates(pem); };
  Tls tls;
  absl::Status status = ReadPem("--tls-ca", ca, certificates, tls.ca);
  if (status.ok()) status = ReadPem("--tls-cert", cert, certificates, tls.certificate);
  if (status.ok()) {
    status = ReadPem(
        "--tls-key", key,
        [&](absl::string_view pem) { return CheckPrivateKey(pem, tls.certificate); }, tls.key);
  }
  if (!status.ok()) return status;
  return tls;
}

absl::StatusOr<Map<std::string, std::string>> ParseContext(
    absl::Span<const std::string> arguments) {
  return ParsePairs(arguments, [](absl::string_view key) { return std::string(key); });
}

absl::StatusOr<Map<std::string, std::string>> ParseHeaders(
    absl::Span<const std::string> arguments) {
  return ParsePairs(arguments, [](absl::string_view name) { return absl::AsciiStrToLower(name); });
}

absl::StatusOr<Map<std::string, uint64_t>> ParseCosts(absl::Span<const std::string> arguments) {
  Map<std::string, uint64_t> costs;
  for (absl::string_view argument : arguments) {
    const size_t equals = argument.rfind('=');
    if (equals == absl::string_view::npos || equals == 0) {
      return Malformed(argument, "is not THROTTLE=N");
    }
    const std::string uid(argument.substr(0, equals));
    if (costs.contains(uid)) return Malformed(argument, "gives a throttle that was given before");
    const absl::StatusOr<uint64_t> cost = ParseCount(argument.substr(equals + 1));
    if (!cost.ok()) return cost.status();
    costs[uid] = *cost;
  }
  return costs;
}

absl::StatusOr<RateLimitDescriptor> ParseDescriptor(absl::string_view argument) {
  RateLimitDescriptor descriptor;
  std::string entry;
  for (size_t i = 0; i < argument.size(); ++i) {
    const bool escape = argument[i] == '\\' && i + 1 < argument.size() &&
                        (argument[i + 1] == ',' || argument[i + 1] == '\\');
    if (escape) {
      entry += argument[++i];
    } else if (argument[i] == ',') {
      absl::Status status = AddEntry(argument, entry, descriptor);
      if (!status.ok()) return status;
      entry.clear();
    } else {
      entry += argument[i];
    }
  }
  absl::Status status = AddEntry(argument, entry, descriptor);
  if (!status.ok()) return status;
  return descriptor;
}

std::string FormatDescriptor(const RateLimitDescriptor& descriptor) {
  const auto format = [](std::string* out, const RateLimitDescriptor::Entry& entry) {
    const std::string text = absl::StrCat(entry.key(), "=", entry.value());
    absl::StrAppend(out, absl::StrReplaceAll(text, {{"\\", "\\\\"}, {",", "\\,"}}));
  };
  return absl::StrJoin(descriptor.entries(), ",", format);
}

}  // namespace sluice::cli
