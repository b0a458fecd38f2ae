// Which counter a charge belongs to.
#ifndef SLUICE_CORE_KEY_H_
#define SLUICE_CORE_KEY_H_

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace sluice {

// What the memory backend knows a counter by, because it keeps no keys. 128 bits of keyed hash:
//
//   high  64 of the whole key
//   low   28 of the throttle's name, 28 of the tenant's, 8 more of the whole key
//
// so that the counters of a throttle or of a tenant are found when they are to be forgotten.
// Whoever spreads counters must look at `high` and the last 8 bits of `low` alone: the others are
// the same for many.
//
// The odds: two keys of one throttle and tenant meet with 2^-72, so that among ten million of them
// a pair does with 10^-8. Two names meet with 2^-28: forgetting one of n throttles forgets another
// one with it with a chance of n / 2^28, which is one in 268,000 for a thousand of them.
struct Fingerprint {
  uint64_t high = 0;
  uint64_t low = 0;
  friend bool operator==(const Fingerprint& a, const Fingerprint& b) {
    return a.high == b.high && a.low == b.low;
  }
  friend bool operator<(const Fingerprint& a, const Fingerprint& b) {
    return a.high != b.high ? a.high < b.high : a.low < b.low;
  }
};

// The secret of the keyed hash, so that nobody outside can choose colliding keys. main owns it.
class HashSecret {
 public:
  // From the system's random source.
  static HashSecret Random();
  // Derived from a number, for tests that must repeat.
  static HashSecret FromSeed(uint64_t seed);

  // 128 bits in no order; CounterKey makes a key's fingerprint of them.
  Fingerprint Hash(absl::string_view bytes) const;
  // The 28 bits that stand for a name in a fingerprint.
  uint32_t HashName(absl::string_view name) const;

 private:
  static constexpr size_t kBytes = 192;  // XXH3's own default size
  std::array<unsigned char, kBytes> bytes_{};
};

// What keeps counters together in a Redis Cluster: those of an identifier, or all of a tenant.
enum class HashTag { kIdentifier, kTenant };

// What a key is made of. Views: they live until the CounterKey is made.
struct KeyParts {
  absl::string_view name_space;
  absl::string_view tenant;  // empty: the default tenant
  absl::string_view tag;     // what keeps counters together in a Redis Cluster: the identifier
  absl::string_view throttle;
  absl::Span<const std::pair<absl::string_view, absl::string_view>> splits;  // key_by: key, value
  absl::string_view shape;  // of the limit; see Limit::shape()
};

// The counters of a throttle, of a tenant, or of a throttle within a tenant. Immutable.
class KeyScope {
 public:
  // At least one of the two is given, as KeyParts has it: the throttle of a domain's counters is
  // `domain:NAME`, and the empty tenant is the default one. `secret` is that of the keys.
  KeyScope(absl::optional<std::string> throttle, absl::optional<std::string> tenant,
           const HashSecret& secret);

  const absl::optional<std::string>& throttle() const { return throttle_; }
  const absl::optional<std::string>& tenant() const { return tenant_; }

  // Whether the key of this fingerprint is in it, with the odds that Fingerprint tells.
  bool Holds(const Fingerprint& fingerprint) const { return (fingerprint.low & mask_) == names_; }

 private:
  absl::optional<std::string> throttle_;
  absl::optional<std::string> tenant_;
  uint64_t mask_ = 0;   // of Fingerprint::low
  uint64_t names_ = 0;  // what stands there
};

// The throttle, as KeyParts has it, under which one counts on another backend while that of this
// name fails: `fallback:BACKEND:THROTTLE`. It shares no counter with those whose own backend that
// is.
std::string FallbackThrottle(absl::string_view backend, absl::string_view throttle);

// Length-prefixed bytes, so that `a`,`b_c` and `a_b`,`c` never meet, and their hash, computed once.
// Immutable, cheap to move.
class CounterKey {
 public:
  CounterKey(const KeyParts& parts, const HashSecret& secret);

  absl::string_view bytes() const { return absl::string_view(bytes_.data(), bytes_.size()); }
  const Fingerprint& fingerprint() const { return fingerprint_; }

  // The key as people and Redis see it: `{ns:tenant:tag}:throttle:shape`, with one `:key=value`
  // behind the throttle for each split. Parts are percent-encoded (`%`, `:`, `{`, `}`, control and
  // non-ASCII bytes; a leading `~`; `=` in a split's key); one of over 128 bytes then is `~` and 32
  // hex digits of its SHA-256. With HashTag::kTenant it is `{ns:tenant}:tag:throttle:shape`.
  std::string ToString(HashTag hash_tag = HashTag::kIdentifier) const;

  // The key of the counter that stands in for this one while the backend of that name fails: its
  // throttle is FallbackThrottle(backend, throttle). `secret` is that of this key.
  CounterKey ForFallback(absl::string_view backend, const HashSecret& secret) const;

 private:
  absl::InlinedVector<char, 128> bytes_;
  Fingerprint fingerprint_;
};

// A part of a key as ToString() writes it.
std::string EncodeKeyPart(absl::string_view part);

}  // namespace sluice

#endif  // SLUICE_CORE_KEY_H_
