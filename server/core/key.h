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
#include "absl/types/span.h"

namespace sluice {

// 128 bits of keyed hash: what the memory backend knows a counter by.
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

  Fingerprint Hash(absl::string_view bytes) const;

 private:
  static constexpr size_t kBytes = 192;  // XXH3's own default size
  std::array<unsigned char, kBytes> bytes_{};
};

// What a key is made of. Views: they live until the CounterKey is made.
struct KeyParts {
  absl::string_view name_space;
  absl::string_view tenant;  // empty: the default tenant
  absl::string_view tag;     // what keeps counters together in a Redis Cluster: the identifier
  absl::string_view throttle;
  absl::Span<const std::pair<absl::string_view, absl::string_view>> splits;  // key_by: key, value
  absl::string_view shape;  // of the limit; see Limit::shape()
};

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
  // hex digits of its SHA-256.
  std::string ToString() const;

 private:
  absl::InlinedVector<char, 128> bytes_;
  Fingerprint fingerprint_;
};

}  // namespace sluice

#endif  // SLUICE_CORE_KEY_H_
