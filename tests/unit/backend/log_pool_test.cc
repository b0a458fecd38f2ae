#include "backend/memory/log_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "core/log.h"

namespace sluice {
namespace {

using Entries = std::vector<LogEntry>;

Entries OldestFirst(const LogPool& pool, LogPool::Handle handle) {
  Entries entries;
  LogPool::Reader(pool, handle).FromOldest([&](const LogEntry& entry) {
    entries.push_back(entry);
    return true;
  });
  return entries;
}

Entries NewestFirst(const LogPool& pool, LogPool::Handle handle) {
  Entries entries;
  LogPool::Reader(pool, handle).FromNewest([&](const LogEntry& entry) {
    entries.push_back(entry);
    return true;
  });
  return entries;
}

LogEdit Added(int64_t at, int64_t cost = 1, int64_t tag = 0) {
  LogEdit edit;
  edit.add = {at, cost, tag};
  return edit;
}

LogEdit Dropped(int64_t oldest, int64_t newest = 0) {
  LogEdit edit;
  edit.drop_oldest = oldest;
  edit.drop_newest = newest;
  return edit;
}

TEST(LogPoolTest, KeepsTheLargestTimesCostsAndTags) {
  LogPool pool;
  const LogEntry largest = {int64_t{1} << 52, int64_t{1} << 53, 7};
  LogEdit edit;
  edit.add = largest;
  const LogPool::Handle log = pool.Apply(LogPool::kEmpty, edit);
  EXPECT_EQ(OldestFirst(pool, log), Entries{largest});
}

TEST(LogPoolTest, IsReadFromBothEndsUntilTheVisitorHasEnough) {
  LogPool pool;
  LogPool::Handle log = LogPool::kEmpty;
  for (int64_t at = 0; at < 30; ++at) log = pool.Apply(log, Added(at));
  Entries forward = OldestFirst(pool, log);
  const Entries backward = NewestFirst(pool, log);
  EXPECT_EQ(forward.size(), 30U);
  std::reverse(forward.begin(), forward.end());
  EXPECT_EQ(forward, backward);
  int seen = 0;
  LogPool::Reader(pool, log).FromOldest([&](const LogEntry&) { return ++seen < 12; });
  LogPool::Reader(pool, log).FromNewest([&](const LogEntry&) { return ++seen < 24; });
  EXPECT_EQ(seen, 24);
}

TEST(LogPoolTest, AnEmptyLogHasNoChunk) {
  LogPool pool;
  LogPool::Handle log = pool.Apply(LogPool::kEmpty, {});
  EXPECT_EQ(log, LogPool::kEmpty);
  log = pool.Apply(log, Added(1));
  EXPECT_EQ(pool.ChunksInUse(), 1);
  log = pool.Apply(log, Dropped(1));
  EXPECT_EQ(log, LogPool::kEmpty);
  EXPECT_EQ(pool.ChunksInUse(), 0);
  for (int64_t at = 0; at < 20; ++at) log = pool.Apply(log, Added(at));
  EXPECT_EQ(pool.Apply(log, Dropped(0, 20)), LogPool::kEmpty);
  EXPECT_EQ(pool.ChunksInUse(), 0);
}

TEST(LogPoolTest, ALogThatComesAndGoesAllocatesNothing) {
  LogPool pool;
  LogPool::Handle log = LogPool::kEmpty;
  for (int64_t at = 0; at < 100; ++at) log = pool.Apply(log, Added(at));
  const int64_t bytes = pool.bytes();
  for (int64_t at = 100; at < 10'000; ++at) {
    LogEdit edit = Added(at);
    edit.drop_oldest = 1;
    log = pool.Apply(log, edit);
  }
  EXPECT_EQ(pool.bytes(), bytes);
  EXPECT_LE(pool.ChunksInUse(), 16);
  EXPECT_EQ(OldestFirst(pool, log).front().at, 9'900);
}

TEST(LogPoolTest, SixteenBytesAnEntryAndLittleElse) {
  LogPool pool;
  LogPool::Handle log = LogPool::kEmpty;
  constexpr int64_t kEntries = 7 * 128 * 100;
  for (int64_t at = 0; at < kEntries; ++at) log = pool.Apply(log, Added(at));
  EXPECT_LT(static_cast<double>(pool.bytes()) / static_cast<double>(kEntries), 18.5);
}

// Many logs of one pool, edited at random, against the plain log.
TEST(LogPoolTest, DoesWhatThePlainLogDoes) {
  std::mt19937_64 random(5);
  const auto below = [&random](size_t bound) {
    return static_cast<int64_t>(random() % std::max<size_t>(bound, 1));
  };
  LogPool pool;
  std::vector<LogPool::Handle> handles(20, LogPool::kEmpty);
  std::vector<DequeLog> plain(handles.size());
  for (int64_t at = 0; at < 100'000; ++at) {
    const auto which = static_cast<size_t>(below(handles.size()));
    LogPool::Handle& handle = handles[which];
    DequeLog& model = plain[which];
    if (below(500) == 0) {
      pool.Free(handle);
      handle = LogPool::kEmpty;
      model = {};
      continue;
    }
    LogEdit edit;
    size_t left = model.entries().size();
    if (below(3) == 0) edit.drop_oldest = std::min(below(left + 1), below(9));
    left -= static_cast<size_t>(edit.drop_oldest);
    if (below(6) == 0) edit.drop_newest = std::min(below(left + 1), below(9));
    left -= static_cast<size_t>(edit.drop_newest);
    if (left >= 2) {
      const auto oldest = static_cast<size_t>(edit.drop_oldest);
      edit.lower_oldest = below(static_cast<size_t>(model.entries()[oldest].cost));
      edit.lower_newest = -below(10);
    }
    if (below(10) != 0) edit.add = {at, 1 + below(1'000), below(8)};
    handle = pool.Apply(handle, edit);
    model.Apply(edit);
    ASSERT_EQ(OldestFirst(pool, handle), Entries(model.entries().begin(), model.entries().end()));
    ASSERT_EQ(NewestFirst(pool, handle), Entries(model.entries().rbegin(), model.entries().rend()));
  }
  for (const LogPool::Handle handle : handles) pool.Free(handle);
  EXPECT_EQ(pool.ChunksInUse(), 0);
}

}  // namespace
}  // namespace sluice
