#include "backend/redis/slots.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "backend/redis/reader.h"
#include "backend/redis/router.h"

namespace sluice {
namespace {

constexpr size_t kLongestHost = 255;
constexpr size_t kMostReplicas = 1000;

constexpr std::array<uint16_t, 256> Crc16Table() {
  std::array<uint16_t, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
    }
    table[byte] = static_cast<uint16_t>(crc);
  }
  return table;
}

uint16_t Crc16(absl::string_view bytes) {
  static constexpr std::array<uint16_t, 256> table = Crc16Table();
  unsigned crc = 0;
  for (const char c : bytes) {
    crc = (crc << 8 ^ table[(crc >> 8 ^ static_cast<unsigned char>(c)) & 0xff]) & 0xffff;
  }
  return static_cast<uint16_t>(crc);
}

absl::Span<redisReply* const> ElementsOf(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY) return {};
  return {reply.element, reply.elements};
}

// A node as CLUSTER SLOTS tells it: host, port, id and what else there may be. Nothing when nobody
// knows where it is.
absl::optional<Endpoint> NodeOf(const redisReply& node, const Endpoint& asked) {
  const auto parts = ElementsOf(node);
  if (parts.size() < 2 || parts[1]->type != REDIS_REPLY_INTEGER) return absl::nullopt;
  if (parts[1]->integer < 1 || parts[1]->integer > 65535) return absl::nullopt;
  const absl::string_view host = TextOf(*parts[0]);
  if (host == "?" || host.size() > kLongestHost) return absl::nullopt;
  Endpoint endpoint;
  endpoint.host = host.empty() ? asked.host : std::string(host);
  endpoint.port = static_cast<uint16_t>(parts[1]->integer);
  return endpoint;
}

bool IsSlotRange(absl::Span<redisReply* const> range) {
  return range.size() >= 3 && range[0]->type == REDIS_REPLY_INTEGER &&
         range[1]->type == REDIS_REPLY_INTEGER && range[0]->integer >= 0 &&
         range[0]->integer <= range[1]->integer && range[1]->integer < kSlots;
}

}  // namespace

absl::StatusOr<SlotMap> SlotMap::Parse(const redisReply& reply, const Endpoint& asked) {
  if (reply.type != REDIS_REPLY_ARRAY) return absl::InternalError("CLUSTER SLOTS tells no slots");
  SlotMap map;
  for (const redisReply* element : ElementsOf(reply)) {
    const auto range = ElementsOf(*element);
    if (!IsSlotRange(range)) return absl::InternalError("CLUSTER SLOTS tells an invalid range");
    const absl::optional<Endpoint> primary = NodeOf(*range[2], asked);
    if (primary.has_value()) map.Set(range[0]->integer, range[1]->integer, *primary);
    for (const redisReply* node : range.subspan(3)) {
      const absl::optional<Endpoint> replica = NodeOf(*node, asked);
      if (replica.has_value() && map.replicas_.size() < kMostReplicas &&
          std::find(map.replicas_.begin(), map.replicas_.end(), *replica) == map.replicas_.end()) {
        map.replicas_.push_back(*replica);
      }
    }
  }
  return map;
}

const Endpoint* SlotMap::Find(uint16_t slot) const {
  const uint16_t owner = owners_[slot % kSlots];
  return owner == 0 ? nullptr : &primaries_[owner - 1u];
}

void SlotMap::Move(uint16_t slot, const Endpoint& primary) { Set(slot, slot, primary); }

bool SlotMap::complete() const {
  return std::find(owners_.begin(), owners_.end(), 0) == owners_.end();
}

void SlotMap::Set(int64_t first, int64_t last, const Endpoint& primary) {
  auto found = std::find(primaries_.begin(), primaries_.end(), primary);
  // Each has a slot of its own in a Cluster; more can only be made up.
  if (found == primaries_.end() && primaries_.size() == kSlots) return;
  if (found == primaries_.end()) found = primaries_.insert(found, primary);
  const auto owner = static_cast<uint16_t>(found - primaries_.begin() + 1);
  std::fill(owners_.begin() + first, owners_.begin() + last + 1, owner);
}

absl::StatusOr<Redirection> ParseRedirection(absl::string_view error, const Endpoint& asked) {
  const std::vector<absl::string_view> words = absl::StrSplit(error, ' ');
  const size_t colon = words.size() == 3 ? words[2].rfind(':') : absl::string_view::npos;
  uint32_t slot = 0;
  uint32_t port = 0;
  if (colon > kLongestHost || !absl::SimpleAtoi(words[1], &slot) || slot >= kSlots ||
      !absl::SimpleAtoi(words[2].substr(colon + 1), &port) || port == 0 || port > 65535) {
    return absl::InternalError("an invalid redirection");
  }
  Redirection redirection;
  redirection.slot = static_cast<uint16_t>(slot);
  redirection.to.host = colon == 0 ? asked.host : std::string(words[2].substr(0, colon));
  redirection.to.port = static_cast<uint16_t>(port);
  return redirection;
}

uint16_t SlotOf(absl::string_view key) {
  const size_t open = key.find('{');
  const size_t close = open == absl::string_view::npos ? open : key.find('}', open + 1);
  if (close != absl::string_view::npos && close > open + 1) {
    key = key.substr(open + 1, close - open - 1);
  }
  return Crc16(key) % kSlots;
}

}  // namespace sluice
