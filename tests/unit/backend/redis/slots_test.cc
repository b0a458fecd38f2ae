#include "backend/redis/slots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "backend/redis/reader.h"
#include "backend/redis/router.h"
#include "tests/fakes/fake_redis.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;

Endpoint At(const std::string& host, uint16_t port) {
  Endpoint endpoint;
  endpoint.host = host;
  endpoint.port = port;
  return endpoint;
}

ReplyPtr Read(const std::string& bytes) {
  ReplyReader reader;
  reader.Feed(bytes);
  absl::StatusOr<ReplyPtr> reply = reader.Next();
  return reply.ok() ? *std::move(reply) : nullptr;
}

std::string Node(const std::string& host, int port) {
  return Array({Bulk(host), absl::StrCat(":", port, "\r\n"), Bulk("id")});
}
std::string Range(int first, int last, const std::string& nodes, int count) {
  return absl::StrCat("*", 2 + count, "\r\n:", first, "\r\n:", last, "\r\n", nodes);
}

TEST(SlotsTest, KnowsTheSlotsOfRedisDocumentation) {
  EXPECT_EQ(SlotOf("foo"), 12182);
  EXPECT_EQ(SlotOf("123456789"), 12739);
  EXPECT_EQ(SlotOf("{user1000}.following"), 3443);
  EXPECT_EQ(SlotOf("{user1000}.followers"), SlotOf("user1000"));
  EXPECT_EQ(SlotOf("foo{bar}{zap}"), SlotOf("bar"));
  EXPECT_EQ(SlotOf("foo{{bar}}zap"), SlotOf("{bar"));
  EXPECT_NE(SlotOf("foo{}{bar}"), SlotOf("bar"));
  EXPECT_NE(SlotOf("foo{bar"), SlotOf("bar"));
  EXPECT_EQ(SlotOf(""), 0);
}

TEST(SlotsTest, ReadsWhoHasWhat) {
  const ReplyPtr reply = Read(
      Array({Range(0, 99, Node("a", 1) + Node("b", 2), 2), Range(100, 16383, Node("", 3), 1)}));
  const absl::StatusOr<SlotMap> map = SlotMap::Parse(*reply, At("asked", 9));
  ASSERT_TRUE(map.ok()) << map.status();
  EXPECT_TRUE(map->complete());
  EXPECT_EQ(*map->Find(99), At("a", 1));
  EXPECT_EQ(*map->Find(100), At("asked", 3));
  EXPECT_THAT(map->primaries(), ElementsAre(At("a", 1), At("asked", 3)));
  EXPECT_THAT(map->replicas(), ElementsAre(At("b", 2)));
}

TEST(SlotsTest, ASlotOfNobodyKnownIsOpenUntilItMoves) {
  const ReplyPtr reply =
      Read(Array({Range(0, 99, Node("?", 1), 1), Range(100, 16383, Node("a", 3), 1)}));
  absl::StatusOr<SlotMap> map = SlotMap::Parse(*reply, At("asked", 9));
  ASSERT_TRUE(map.ok()) << map.status();
  EXPECT_FALSE(map->complete());
  EXPECT_EQ(map->Find(5), nullptr);
  map->Move(5, At("b", 2));
  EXPECT_EQ(*map->Find(5), At("b", 2));
  EXPECT_EQ(map->Find(6), nullptr);
}

TEST(SlotsTest, RefusesWhatIsNoMap) {
  for (const std::string& bytes :
       {std::string("+OK\r\n"), Array({":1\r\n"}), Array({Range(5, 4, Node("a", 1), 1)}),
        Array({Range(0, 16384, Node("a", 1), 1)}), Array({Range(-1, 5, Node("a", 1), 1)})}) {
    EXPECT_FALSE(SlotMap::Parse(*Read(bytes), At("asked", 9)).ok()) << bytes;
  }
}

TEST(SlotsTest, ReadsRedirections) {
  const auto moved = ParseRedirection("MOVED 3999 127.0.0.1:6381", At("asked", 9));
  ASSERT_TRUE(moved.ok());
  EXPECT_EQ(moved->slot, 3999);
  EXPECT_EQ(moved->to, At("127.0.0.1", 6381));
  EXPECT_EQ(ParseRedirection("ASK 1 :6381", At("asked", 9))->to, At("asked", 6381));
  EXPECT_EQ(ParseRedirection("ASK 1 ::1:6381", At("asked", 9))->to, At("::1", 6381));
  for (const char* text : {"MOVED", "MOVED 1", "MOVED 16384 a:1", "MOVED x a:1", "MOVED 1 a",
                           "MOVED 1 a:0", "MOVED 1 a:65536", "MOVED 1 a:1 b"}) {
    EXPECT_FALSE(ParseRedirection(text, At("asked", 9)).ok()) << text;
  }
}

}  // namespace
}  // namespace sluice
