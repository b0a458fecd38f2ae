#include "tests/fakes/redis/tcp_proxy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "tests/fakes/redis/patience.h"
#include "tests/fakes/redis/redis_server.h"

namespace sluice {
namespace {

// A connection that stays, to a port of 127.0.0.1.
class Caller {
 public:
  explicit Caller(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Caller() { close(fd_); }

  bool connected() const { return connected_; }
  void Say(const std::string& words) { send(fd_, words.data(), words.size(), MSG_NOSIGNAL); }
  // What came within the time; "closed" or "reset" at the end.
  std::string Hear(int64_t timeout_us) {
    pollfd wait{fd_, POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(timeout_us / 1000)) == 0) return "";
    std::array<char, 1024> chunk;
    const ssize_t got = recv(fd_, chunk.data(), chunk.size(), 0);
    if (got < 0) return errno == ECONNRESET ? "reset" : "error";
    return got == 0 ? "closed" : std::string(chunk.data(), static_cast<size_t>(got));
  }
  std::string Ask(const std::string& words, int64_t timeout_us = 2'000'000) {
    Say(words);
    return Hear(timeout_us);
  }

 private:
  const int fd_;
  bool connected_;
};

class TcpProxyTest : public ::testing::Test {
 protected:
  RedisServer redis_;
  TcpProxy proxy_{"127.0.0.1", redis_.port()};
};

constexpr int64_t kShortUs = 100'000;

TEST_F(TcpProxyTest, CarriesBothWaysAndCounts) {
  {
    Caller caller(proxy_.port());
    EXPECT_EQ(caller.Ask("PING\r\n"), "+PONG\r\n");
    EXPECT_EQ(proxy_.open_connections(), 1);
    EXPECT_EQ(caller.Ask("QUIT\r\n"), "+OK\r\n");
    EXPECT_EQ(caller.Hear(2'000'000), "closed");
  }
  EXPECT_EQ(proxy_.connections(), 1);
  EXPECT_EQ(proxy_.request_bytes(), 12);
  EXPECT_EQ(proxy_.reply_bytes(), 12);
  EXPECT_TRUE(WaitUntil([&] { return proxy_.open_connections() == 0; }));
}

TEST_F(TcpProxyTest, CarriesMuch) {
  redis_.Cli({"SET", "a", std::string(8 << 20, 'x')});
  Caller caller(proxy_.port());
  caller.Say("GET a\r\n");
  size_t got = 0;
  while (got < (8u << 20)) {
    const std::string more = caller.Hear(2'000'000);
    ASSERT_FALSE(more.empty()) << got;
    got += more.size();
  }
}

TEST_F(TcpProxyTest, DelaysEachWayOrRepliesAlone) {
  Caller caller(proxy_.port());
  const auto took_us = [&] {
    const int64_t began = SteadyUs();
    EXPECT_EQ(caller.Ask("PING\r\n"), "+PONG\r\n");
    return SteadyUs() - began;
  };
  proxy_.SetDelay(60'000);
  EXPECT_GE(took_us(), 120'000);
  proxy_.SetReplyDelay(60'000);
  const int64_t replies_alone = took_us();
  EXPECT_GE(replies_alone, 60'000);
  EXPECT_LT(replies_alone, 120'000);
  proxy_.SetDelay(0);
  EXPECT_LT(took_us(), 60'000);
}

TEST_F(TcpProxyTest, CutsWithAReset) {
  Caller caller(proxy_.port());
  EXPECT_EQ(caller.Ask("PING\r\n"), "+PONG\r\n");
  proxy_.Cut();
  EXPECT_EQ(caller.Hear(2'000'000), "reset");
  EXPECT_EQ(Caller(proxy_.port()).Ask("PING\r\n"), "+PONG\r\n");
}

TEST_F(TcpProxyTest, CutsAgainAndAgain) {
  proxy_.CutEvery(30'000);
  for (int i = 0; i < 3; ++i) {
    Caller caller(proxy_.port());
    EXPECT_EQ(caller.Hear(2'000'000), "reset");
  }
  proxy_.CutEvery(0);
  Caller caller(proxy_.port());
  EXPECT_EQ(caller.Ask("PING\r\n"), "+PONG\r\n");
  EXPECT_EQ(caller.Hear(kShortUs), "");
}

TEST_F(TcpProxyTest, RefusesNewConnections) {
  Caller before(proxy_.port());
  EXPECT_EQ(before.Ask("PING\r\n"), "+PONG\r\n");
  proxy_.Refuse(true);
  EXPECT_FALSE(Caller(proxy_.port()).connected());
  EXPECT_EQ(before.Ask("PING\r\n"), "+PONG\r\n");
  proxy_.Refuse(false);
  EXPECT_EQ(Caller(proxy_.port()).Ask("PING\r\n"), "+PONG\r\n");
}

TEST_F(TcpProxyTest, LosesRepliesOfCommandsThatRan) {
  Caller caller(proxy_.port());
  EXPECT_EQ(caller.Ask("PING\r\n"), "+PONG\r\n");
  proxy_.DropReplies(true);
  EXPECT_EQ(caller.Ask("INCR n\r\n", kShortUs), "");
  proxy_.DropReplies(false);
  EXPECT_EQ(redis_.Cli({"GET", "n"}), "1");
  EXPECT_EQ(caller.Ask("INCR n\r\n"), ":2\r\n");
}

TEST_F(TcpProxyTest, SwallowsNothingInABlackHole) {
  Caller caller(proxy_.port());
  EXPECT_EQ(caller.Ask("PING\r\n"), "+PONG\r\n");
  proxy_.Blackhole(true);
  Caller late(proxy_.port());
  EXPECT_TRUE(late.connected());
  EXPECT_EQ(caller.Ask("INCR n\r\n", kShortUs), "");
  EXPECT_EQ(late.Ask("PING\r\n", kShortUs), "");
  EXPECT_EQ(redis_.Cli({"GET", "n"}), "");
  proxy_.Blackhole(false);
  EXPECT_EQ(caller.Hear(2'000'000), ":1\r\n");
  EXPECT_EQ(late.Hear(2'000'000), "+PONG\r\n");
}

TEST_F(TcpProxyTest, ResetsCallersOfAServerThatIsGone) {
  redis_.Kill();
  Caller caller(proxy_.port());
  EXPECT_EQ(caller.Hear(2'000'000), "reset");
  redis_.Restart();
  EXPECT_EQ(Caller(proxy_.port()).Ask("PING\r\n"), "+PONG\r\n");
}

}  // namespace
}  // namespace sluice
