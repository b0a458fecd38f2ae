#include "backend/memory/log_pool.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr int kTagBits = 3;

}  // namespace

LogEntry LogPool::Unpack(const Packed& packed) {
  return {packed.at, packed.cost_and_tag >> kTagBits,
          packed.cost_and_tag & ((int64_t{1} << kTagBits) - 1)};
}

void LogPool::Reader::FromOldest(Visitor visit) const {
  for (Index index = First(handle_); index != kNone; index = pool_->At(index).next) {
    const Chunk& chunk = pool_->At(index);
    for (uint32_t i = chunk.begin; i < chunk.end; ++i) {
      if (!visit(Unpack(chunk.entries[i]))) return;
    }
  }
}

void LogPool::Reader::FromNewest(Visitor visit) const {
  for (Index index = Last(handle_); index != kNone; index = pool_->At(index).previous) {
    const Chunk& chunk = pool_->At(index);
    for (uint32_t i = chunk.end; i > chunk.begin; --i) {
      if (!visit(Unpack(chunk.entries[i - 1]))) return;
    }
  }
}

LogPool::Handle LogPool::Apply(Handle handle, const LogEdit& edit) {
  handle = DropOldest(handle, edit.drop_oldest);
  handle = DropNewest(handle, edit.drop_newest);
  if (edit.lower_oldest != 0) {
    Chunk& oldest = At(First(handle));
    oldest.entries[oldest.begin].cost_and_tag -= edit.lower_oldest << kTagBits;
  }
  if (edit.lower_newest != 0) {
    Chunk& newest = At(Last(handle));
    newest.entries[newest.end - 1].cost_and_tag -= edit.lower_newest * (int64_t{1} << kTagBits);
  }
  return edit.add.cost == 0 ? handle : Add(handle, edit.add);
}

void LogPool::Free(Handle handle) {
  if (handle == kEmpty) return;
  At(Last(handle)).next = free_;
  free_ = First(handle);
}

int64_t LogPool::ChunksInUse() const {
  int64_t chunks = chunks_.size();
  for (Index index = free_; index != kNone; index = At(index).next) --chunks;
  return chunks;
}

LogPool::Index LogPool::Take() {
  if (free_ == kNone) {
    chunks_.Append();
    return chunks_.size() - 1;
  }
  const Index index = free_;
  free_ = At(index).next;
  return index;
}

void LogPool::Release(Index index) {
  At(index).next = free_;
  free_ = index;
}

LogPool::Handle LogPool::DropOldest(Handle handle, int64_t count) {
  Index first = First(handle);
  while (count > 0) {
    Chunk& chunk = At(first);
    const auto here = std::min<int64_t>(count, chunk.end - chunk.begin);
    chunk.begin += static_cast<uint32_t>(here);
    count -= here;
    if (chunk.begin < chunk.end) break;
    const Index next = chunk.next;
    Release(first);
    if (next == kNone) return kEmpty;
    first = next;
    At(first).previous = kNone;
  }
  return handle == kEmpty ? kEmpty : Of(first, Last(handle));
}

LogPool::Handle LogPool::DropNewest(Handle handle, int64_t count) {
  Index last = Last(handle);
  while (count > 0) {
    Chunk& chunk = At(last);
    const auto here = std::min<int64_t>(count, chunk.end - chunk.begin);
    chunk.end -= static_cast<uint32_t>(here);
    count -= here;
    if (chunk.begin < chunk.end) break;
    const Index previous = chunk.previous;
    Release(last);
    if (previous == kNone) return kEmpty;
    last = previous;
    At(last).next = kNone;
  }
  return handle == kEmpty ? kEmpty : Of(First(handle), last);
}

LogPool::Handle LogPool::Add(Handle handle, const LogEntry& entry) {
  Index last = Last(handle);
  if (last == kNone || At(last).end == kEntries) {
    const Index fresh = Take();
    At(fresh).previous = last;
    At(fresh).next = kNone;
    At(fresh).begin = At(fresh).end = 0;
    if (last == kNone) {
      handle = Of(fresh, fresh);
    } else {
      At(last).next = fresh;
      handle = Of(First(handle), fresh);
    }
    last = fresh;
  }
  Chunk& chunk = At(last);
  chunk.entries[chunk.end++] = {entry.at, (entry.cost << kTagBits) | entry.tag};
  return handle;
}

}  // namespace sluice
