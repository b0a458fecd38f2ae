#include "service/bounds.h"

#include "absl/strings/str_cat.h"
#include "core/rate.h"
#include "service/errors.h"

namespace sluice {
namespace {

constexpr size_t kMaxIdentifier = 1024;
constexpr int kMaxPairs = 64;
constexpr size_t kMaxPair = 1024;
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

absl::Status CheckPairs(absl::string_view field,
                        const google::protobuf::Map<std::string, std::string>& pairs) {
  if (pairs.size() > kMaxPairs) {
    return InvalidField(field, "it has more than 64 entries (send at most 64)");
  }
  for (const auto& [key, value] : pairs) {
    if (key.size() + value.size() > kMaxPair) {
      return InvalidField(field,
                          "an entry is over 1024 bytes, key and value together (shorten it)");
    }
  }
  return absl::OkStatus();
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
