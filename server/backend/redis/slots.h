// Which node of a Cluster has which slot.
#ifndef SLUICE_BACKEND_REDIS_SLOTS_H_
#define SLUICE_BACKEND_REDIS_SLOTS_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/endpoint.h"

struct redisReply;

namespace sluice {

inline constexpr int kSlots = 16384;

class SlotMap {
 public:
  // Of a reply to CLUSTER SLOTS. The host of `asked` stands where the reply names none. Slots of a
  // node whose address nobody knows have no primary.
  static absl::StatusOr<SlotMap> Parse(const redisReply& reply, const Endpoint& asked);

  // Null when it is not known. Lives until the map changes.
  const Endpoint* Find(uint16_t slot) const;
  void Move(uint16_t slot, const Endpoint& primary);

  // Whether each slot has a primary.
  bool complete() const;
  const std::vector<Endpoint>& primaries() const { return primaries_; }
  const std::vector<Endpoint>& replicas() const { return replicas_; }

 private:
  void Set(int64_t first, int64_t last, const Endpoint& primary);

  std::array<uint16_t, kSlots> owners_{};  // one more than an index of primaries_; 0: none
  std::vector<Endpoint> primaries_;
  std::vector<Endpoint> replicas_;
};

// What `MOVED 3999 127.0.0.1:6381` and ASK say.
struct Redirection {
  uint16_t slot = 0;
  Endpoint to;
};

absl::StatusOr<Redirection> ParseRedirection(absl::string_view error, const Endpoint& asked);

}  // namespace sluice

#endif  // SLUICE_BACKEND_REDIS_SLOTS_H_
