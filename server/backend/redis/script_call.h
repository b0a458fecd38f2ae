// Decisions as the script takes them, and its reply as verdicts.
#ifndef SLUICE_BACKEND_REDIS_SCRIPT_CALL_H_
#define SLUICE_BACKEND_REDIS_SCRIPT_CALL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backend/redis/options.h"
#include "core/charge.h"

struct redisReply;

namespace sluice {

struct FingerprintHash {
  size_t operator()(const Fingerprint& fingerprint) const {
    return static_cast<size_t>(fingerprint.high);
  }
};

// One call of the script, over some decisions in order. decide.lua says how they are packed. Not
// thread-safe.
class ScriptCall {
 public:
  explicit ScriptCall(const RedisOptions& options) : options_(options) {}

  // Nothing of the decision is kept. `around`: for each charge under a calendar the instant around
  // which its terms are told, in ticks; the others' mean nothing. A decision whose instants were
  // wrong is answered as stale.
  void Add(const Decision& decision, absl::Span<const int64_t> around);

  // Whether the decision charges nothing.
  static bool OnlyLooks(const Decision& decision);

  size_t size() const { return shapes_.size(); }
  // Whether nothing is charged, so that a replica or a full Redis answers, too.
  bool only_looks() const { return only_looks_; }
  // A key of it; all lie in one slot.
  const std::string& key() const { return keys_.front(); }
  // As it goes over the wire. `now_us` is sent when time is virtual.
  std::string Format(int64_t now_us) const;

 private:
  friend class ScriptReply;

  struct Entry {
    uint16_t key;
    uint16_t limit;
    uint8_t mode;
    uint8_t tag;
    int64_t amount;
  };
  struct Shape {
    size_t charges;
    size_t integers;  // of its verdicts
  };

  // Of an answer that begins so, in integers.
  static size_t SizeOf(const Shape& shape, int64_t mark);
  // Whether each decision is one charge, without a log or a calendar.
  bool plain() const { return plain_ && entries_.size() == shapes_.size(); }
  std::string PackDecisions() const;
  // And how many runs there are.
  std::string PackRuns(uint16_t& count) const;
  uint16_t KeyIndex(const CounterKey& key);
  uint16_t LimitIndex(const Limit& limit, int tag, int64_t around);

  const RedisOptions& options_;
  std::vector<Shape> shapes_;
  std::vector<std::string> keys_;
  absl::flat_hash_map<Fingerprint, uint16_t, FingerprintHash> key_index_;
  // By its terms, and the instant for which they are told.
  absl::flat_hash_map<std::pair<const void*, int64_t>, uint16_t> limit_index_;
  std::string limits_;
  std::vector<Entry> entries_;
  bool plain_ = true;
  bool only_looks_ = true;
};

// Reads the reply of a call, one decision after the other.
class ScriptReply {
 public:
  // Both outlive it. An error when the reply is not one of the script's for this call.
  static absl::StatusOr<ScriptReply> Of(const ScriptCall& call, const redisReply& reply);

  // When it was decided, microseconds since the Unix epoch.
  int64_t now_us() const { return now_us_; }

  enum class Answer {
    kDecided,  // its verdicts are written
    kStale,    // nothing was charged, and `around` holds the instants to ask with
    kForeign,  // nothing was charged: what is stored under its key is no counter of this limit
  };
  // The next one.
  Answer Read(Decision& decision, absl::InlinedVector<int64_t, 2>& around);
  // The next one, whose caller has gone.
  void Skip();

 private:
  ScriptReply(const ScriptCall& call, const redisReply& reply, int64_t now_us)
      : call_(call), reply_(reply), now_us_(now_us) {}

  int64_t Integer(size_t at) const;
  void ReadVerdict(const Charge& charge, Verdict& verdict);

  const ScriptCall& call_;
  const redisReply& reply_;
  int64_t now_us_;
  size_t at_ = 1;
  size_t decision_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_BACKEND_REDIS_SCRIPT_CALL_H_
