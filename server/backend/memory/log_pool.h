// Where the memory backend keeps the entries of its counters' logs.
#ifndef SLUICE_BACKEND_MEMORY_LOG_POOL_H_
#define SLUICE_BACKEND_MEMORY_LOG_POOL_H_

#include <cstdint>

#include "backend/memory/segmented_array.h"
#include "core/log.h"

namespace sluice {

// The logs of one table, in chunks of 128 bytes: seven entries of 16 bytes each, and the links to
// the chunks before and behind. A log takes a chunk for seven hits and gives it back when they
// have left; chunks are used again, so that a log whose entries come and go allocates nothing, and
// one that grows never moves what it has. The memory of the pool is that of its fullest hour.
// Not thread-safe.
class LogPool {
 public:
  // One log: the numbers of its first and its last chunk. Its owner keeps it, and frees it.
  using Handle = uint64_t;
  static constexpr Handle kEmpty = ~Handle{0};

  // Reads a log; it must not be edited meanwhile.
  class Reader final : public Log {
   public:
    Reader(const LogPool& pool, Handle handle) : pool_(&pool), handle_(handle) {}
    void FromOldest(Visitor visit) const override;
    void FromNewest(Visitor visit) const override;

   private:
    const LogPool* pool_;
    Handle handle_;
  };

  // What the log is called afterwards.
  Handle Apply(Handle handle, const LogEdit& edit);
  // At once, however long it is.
  void Free(Handle handle);

  int64_t bytes() const { return chunks_.bytes(); }
  // By walking over the others: for tests.
  int64_t ChunksInUse() const;

 private:
  using Index = uint32_t;
  static constexpr Index kNone = 0xffffffff;
  static constexpr uint32_t kEntries = 7;

  struct Packed {
    int64_t at;
    int64_t cost_and_tag;
  };
  struct Chunk {
    Index previous;
    Index next;
    // Entries [begin, end) are in use; never none.
    uint32_t begin;
    uint32_t end;
    Packed entries[kEntries];
  };
  static_assert(sizeof(Chunk) == 128);

  static Index First(Handle handle) { return static_cast<Index>(handle >> 32); }
  static Index Last(Handle handle) { return static_cast<Index>(handle); }
  static Handle Of(Index first, Index last) { return Handle{first} << 32 | last; }
  static LogEntry Unpack(const Packed& packed);

  const Chunk& At(Index index) const { return *chunks_[index]; }
  Chunk& At(Index index) { return *chunks_[index]; }

  Index Take();
  void Release(Index index);
  Handle DropOldest(Handle handle, int64_t count);
  Handle DropNewest(Handle handle, int64_t count);
  Handle Add(Handle handle, const LogEntry& entry);

  SegmentedArray<Chunk> chunks_;
  Index free_ = kNone;  // the first of those not in use, which are linked by `next`
};

}  // namespace sluice

#endif  // SLUICE_BACKEND_MEMORY_LOG_POOL_H_
