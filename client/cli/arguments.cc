#include "cli/arguments.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/text.h"

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

}  // namespace

absl::StatusOr<uint64_t> ParseCount(absl::string_view text, uint64_t max) {
  uint64_t count = 0;
  if (text.empty() || text.find_first_not_of("0123456789") != absl::string_view::npos ||
      !absl::SimpleAtoi(text, &count) || count > max) {
    return Malformed(text, absl::StrCat("is not a whole number from 0 to ", max));
  }
  return count;
}

absl::StatusOr<Map<std::string, std::string>> ParseContext(
    absl::Span<const std::string> arguments) {
  Map<std::string, std::string> context;
  for (absl::string_view argument : arguments) {
    const size_t equals = argument.find('=');
    if (equals == absl::string_view::npos || equals == 0) {
      return Malformed(argument, "is not k=v");
    }
    const std::string key(argument.substr(0, equals));
    if (context.contains(key)) return Malformed(argument, "gives a key that was given before");
    context[key] = std::string(argument.substr(equals + 1));
  }
  return context;
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
