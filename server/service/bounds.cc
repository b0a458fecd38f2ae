#include "service/bounds.h"

#include "absl/strings/str_cat.h"
#include "core/rate.h"
#include "service/errors.h"

namespace sluice {
namespace {

constexpr size_t kMaxIdentifier = 1024;
constexpr int kMaxContext = 64;
constexpr size_t kMaxContextEntry = 1024;
constexpr int kMaxHeaders = 256;
constexpr size_t kMaxHeaderBytes = size_t{64} << 10;
constexpr size_t kMaxName = 256;
constexpr absl::string_view kCostRule = "a cost is at most 2^52";

}  // namespace

absl::Status CheckThrottles(const google::protobuf::RepeatedPtrField<std::string>& throttles) {
  if (throttles.empty()) {
    return InvalidField("throttles", "no throttle is named (name at least one uid)");
  }
  if (throttles.size() > kMaxThrottles) {
    return InvalidField("throttles", "more than 64 throttles are named (name at most 64)");
  }
  for (const std::string& uid : throttles) {
    if (uid.size() > kMaxName) return InvalidField("throttles", "a uid is over 256 bytes");
  }
  return absl::OkStatus();
}

absl::Status CheckIdentifier(absl::string_view identifier) {
  if (identifier.size() <= kMaxIdentifier) return absl::OkStatus();
  return InvalidField("identifier", "it is over 1024 bytes (shorten it, or send its hash)");
}

absl::Status CheckTenant(absl::string_view tenant) {
  if (tenant.size() <= kMaxName) return absl::OkStatus();
  return InvalidField("tenant", "it is over 256 bytes");
}

absl::Status CheckDetail(v1::Detail detail) {
  if (v1::Detail_IsValid(detail)) return absl::OkStatus();
  return InvalidField("detail", "it is not a value of sluice.v1.Detail");
}

absl::Status CheckContext(const google::protobuf::Map<std::string, std::string>& context) {
  if (context.size() > kMaxContext) {
    return InvalidField("context", "it has more than 64 entries (send at most 64)");
  }
  for (const auto& [key, value] : context) {
    if (key.size() + value.size() > kMaxContextEntry) {
      return InvalidField("context",
                          "an entry is over 1024 bytes, key and value together (shorten it)");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckHeaders(const google::protobuf::Map<std::string, std::string>& headers) {
  size_t bytes = 0;
  for (const auto& [name, value] : headers) bytes += name.size() + value.size();
  if (headers.size() <= kMaxHeaders && bytes <= kMaxHeaderBytes) return absl::OkStatus();
  return InvalidField(
      "headers", "there are over 256, or over 64 KiB of them (send those that the policy names)");
}

absl::Status CheckCost(uint64_t cost) {
  return cost > kMaxAmount ? InvalidField("cost", kCostRule) : absl::OkStatus();
}

absl::Status CheckCosts(const google::protobuf::Map<std::string, uint64_t>& costs) {
  if (costs.size() > kMaxThrottles) {
    return InvalidField("costs", "it has more than 64 entries (send at most 64)");
  }
  for (const auto& [uid, cost] : costs) {
    if (cost > kMaxAmount) return InvalidField("costs", kCostRule);
  }
  return absl::OkStatus();
}

absl::Status CheckBatch(int requests) {
  if (requests <= kMaxBatch) return absl::OkStatus();
  return InvalidField("requests", absl::StrCat("there are ", requests, " (send at most 1000)"));
}

}  // namespace sluice
