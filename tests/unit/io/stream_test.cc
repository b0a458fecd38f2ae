#include "io/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "core/clock.h"
#include "tests/fakes/blocking_server.h"
#include "tests/fakes/on_loop.h"
#include "tests/fakes/stream_client.h"
#include "tests/fakes/temp_folder.h"
#include "tests/unit/io/system_calls.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

// Bytes in which a piece that is lost, doubled or moved shows.
std::string ManyBytes(size_t size) {
  std::string bytes(size, '\0');
  uint32_t state = 1;
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

constexpr size_t kTenMegabytes = 10'000'000;

class StreamTest : public ::testing::Test {
 protected:
  void EchoesThrough(BlockingServer& server, const Endpoint& endpoint) {
    StreamClient client(*loop_, endpoint);
    ServedPeer peer = server.Accept();
    ASSERT_TRUE(client.WaitConnected());
    client.Write("ping");
    EXPECT_EQ(peer.Read(4), "ping");
    peer.Send("pong!");
    EXPECT_EQ(client.WaitData(5), "pong!");
    EXPECT_FALSE(client.told_in_connect());
    EXPECT_EQ(client.times_connected(), 1);
    EXPECT_EQ(client.times_closed(), 0);
  }

  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  const std::unique_ptr<EventLoop> loop_ = NewEventLoop(*clock_);
};

TEST_F(StreamTest, CarriesBytesBothWays) {
  BlockingServer server = BlockingServer::OnIpv4();
  EchoesThrough(server, server.endpoint());
}

TEST_F(StreamTest, CarriesBytesOverIpv6) {
  BlockingServer server = BlockingServer::OnIpv6();
  EchoesThrough(server, server.endpoint());
}

TEST_F(StreamTest, CarriesBytesOverAUnixSocket) {
  const TempFolder folder;
  BlockingServer server = BlockingServer::OnUnixSocket(folder / "socket");
  EchoesThrough(server, server.endpoint());
}

TEST_F(StreamTest, FindsItsServerByName) {
  BlockingServer server = BlockingServer::OnIpv4();
  EchoesThrough(server, {"localhost", server.endpoint().port, ""});
}

TEST_F(StreamTest, TriesEachAddressOfAName) {
  SetAddresses("three.test", {"127.0.0.3", "::1", "127.0.0.1"});
  BlockingServer server = BlockingServer::OnIpv4();
  EchoesThrough(server, {"three.test", server.endpoint().port, ""});
}

TEST_F(StreamTest, TellsOnceThatNoAddressOfANameAnswers) {
  SetAddresses("two.test", {"127.0.0.3", "127.0.0.1"});
  BlockingServer server = BlockingServer::OnIpv4(BlockingServer::Mode::kRefusing);
  const Endpoint by_name{"two.test", server.endpoint().port, ""};
  StreamClient client(*loop_, by_name);
  EXPECT_EQ(client.WaitClosed().message(),
            "cannot connect to " + by_name.ToString() + ": Connection refused");
  EXPECT_EQ(client.times_closed(), 1);
}

TEST_F(StreamTest, TellsARefusalWithTheEndpoint) {
  BlockingServer server = BlockingServer::OnIpv4(BlockingServer::Mode::kRefusing);
  StreamClient client(*loop_, server.endpoint());
  const absl::Status why = client.WaitClosed();
  EXPECT_EQ(why.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(why.message(),
            "cannot connect to " + server.endpoint().ToString() + ": Connection refused");
  EXPECT_FALSE(client.told_in_connect());
  EXPECT_EQ(client.times_connected(), 0);
  EXPECT_EQ(client.times_closed(), 1);
}

TEST_F(StreamTest, TellsThatAUnixSocketIsMissing) {
  const TempFolder folder;
  StreamClient client(*loop_, {"", 0, folder / "none"});
  EXPECT_EQ(client.WaitClosed().message(),
            "cannot connect to unix:" + folder / "none" + ": No such file or directory");
  EXPECT_FALSE(client.told_in_connect());
  StreamClient long_path(*loop_, {"", 0, "/" + std::string(500, 'a')});
  EXPECT_THAT(std::string(long_path.WaitClosed().message()), HasSubstr("too long"));
}

TEST_F(StreamTest, TellsThatANameHasNoAddress) {
  SetAddresses("none.test", {});
  StreamClient client(*loop_, {"none.test", 6379, ""});
  EXPECT_EQ(client.WaitClosed().message(),
            "cannot connect to none.test:6379: Name or service not known");
  EXPECT_FALSE(client.told_in_connect());
  EXPECT_EQ(client.times_closed(), 1);
}

TEST_F(StreamTest, WaitsForNoNameServerWhenItHasAnAddress) {
  Flag asked;
  Flag answered;
  SetAddresses("slow.test", {"127.0.0.1"}, &asked, &answered);
  BlockingServer server = BlockingServer::OnIpv4();
  StreamClient slow(*loop_, {"slow.test", server.endpoint().port, ""});
  ASSERT_TRUE(asked.Wait());
  EchoesThrough(server, server.endpoint());
  EXPECT_EQ(slow.times_connected() + slow.times_closed(), 0);
  answered.Set();
  ServedPeer peer = server.Accept();
  EXPECT_TRUE(slow.WaitConnected());
}

TEST_F(StreamTest, ConnectsAgainAndAgainWithoutMeetingItself) {
  BlockingServer server = BlockingServer::OnIpv4(BlockingServer::Mode::kRefusing);
  for (int i = 0; i < 100; ++i) {
    StreamClient client(*loop_, server.endpoint());
    EXPECT_FALSE(client.WaitClosed().ok());
    EXPECT_EQ(client.times_connected(), 0);
  }
}

TEST_F(StreamTest, TellsThatTheServerClosed) {
  BlockingServer server = BlockingServer::OnIpv4();
  StreamClient client(*loop_, server.endpoint());
  ServedPeer peer = server.Accept();
  ASSERT_TRUE(client.WaitConnected());
  peer.Send("bye");
  peer.Close();
  const absl::Status why = client.WaitClosed();
  EXPECT_EQ(why.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(why.message(), "the connection to " + server.endpoint().ToString() +
                               " was cut: the server has closed the connection");
  EXPECT_EQ(client.WaitData(3), "bye");
  EXPECT_EQ(client.times_closed(), 1);
}

TEST_F(StreamTest, TreatsAHalfClosedConnectionAsClosed) {
  BlockingServer server = BlockingServer::OnIpv4();
  StreamClient client(*loop_, server.endpoint());
  ServedPeer peer = server.Accept();
  peer.EndSending();
  EXPECT_THAT(std::string(client.WaitClosed().message()), HasSubstr("was cut"));
  EXPECT_TRUE(peer.IsAtEnd());
}

TEST_F(StreamTest, TellsThatTheServerReset) {
  BlockingServer server = BlockingServer::OnIpv4();
  StreamClient client(*loop_, server.endpoint());
  ServedPeer peer = server.Accept();
  ASSERT_TRUE(client.WaitConnected());
  peer.Reset();
  EXPECT_THAT(std::string(client.WaitClosed().message()),
              HasSubstr("was cut: Connection reset by peer"));
}

// As Redis does with a client too many: the reason comes first, and then it is gone.
TEST_F(StreamTest, ReadsWhatTheServerSaidBeforeAWriteFailed) {
  for (const bool reset : {true, false}) {
    BlockingServer server = BlockingServer::OnIpv4();
    StreamClient client(*loop_, server.endpoint());
    ServedPeer peer = server.Accept();
    ASSERT_TRUE(client.WaitConnected());
    client.Write("unread");
    RunOn(*loop_, [&] {
      peer.Send("-ERR too many");
      if (reset) {
        peer.Reset();
      } else {
        peer.Close();
      }
      client.stream().Write("more");
    });
    EXPECT_FALSE(client.WaitClosed().ok());
    EXPECT_EQ(client.WaitData(13), "-ERR too many");
    EXPECT_EQ(client.times_closed(), 1);
  }
}

TEST_F(StreamTest, IgnoresWritesThatComeTooLateOrTooEarly) {
  BlockingServer server = BlockingServer::OnIpv4();
  StreamClient client(*loop_, server.endpoint(), nullptr,
                      {nullptr, nullptr, [](StreamClient& one) { one.stream().Write("late"); }});
  ServedPeer peer = server.Accept();
  ASSERT_TRUE(client.WaitConnected());
  peer.Close();
  EXPECT_FALSE(client.WaitClosed().ok());
  client.Write("later");
  RunOn(*loop_, [&] { EXPECT_EQ(client.stream().unsent(), 0); });
  EXPECT_EQ(client.times_closed(), 1);
}

TEST_F(StreamTest, SendsTheBytesOfAWakeupAtItsEnd) {
  BlockingServer server = BlockingServer::OnIpv4();
  StreamClient client(*loop_, server.endpoint());
  ServedPeer peer = server.Accept();
  ASSERT_TRUE(client.WaitConnected());
  RunOn(*loop_, [&] {
    for (const char* part : {"one ", "two ", "three"}) client.stream().Write(part);
    EXPECT_EQ(client.stream().unsent(), 13);
    char byte;
    EXPECT_LT(recv(peer.fd(), &byte, 1, MSG_DONTWAIT), 0);
  });
  EXPECT_EQ(peer.Read(13), "one two three");
  RunOn(*loop_, [&] { EXPECT_EQ(client.stream().unsent(), 0); });
}

TEST_F(StreamTest, KeepsWhatASlowReaderDoesNotTake) {
  BlockingServer server = BlockingServer::OnIpv4();
  StreamClient client(*loop_, server.endpoint());
  ServedPeer peer = server.Accept();
  ASSERT_TRUE(client.WaitConnected());
  const std::string bytes = ManyBytes(kTenMegabytes);
  RunOn(*loop_, [&] {
    for (size_t at = 0; at < bytes.size(); at += 12'345) {
      client.stream().Write(absl::string_view(bytes).substr(at, 12'345));
    }
  });
  RunOn(*loop_, [&] { EXPECT_GT(client.stream().unsent(), 0); });
  client.Write("behind");
  EXPECT_TRUE(peer.Read(bytes.size()) == bytes);
  EXPECT_EQ(peer.Read(6), "behind");
  RunOn(*loop_, [&] { EXPECT_EQ(client.stream().unsent(), 0); });
}

TEST_F(StreamTest, LeavesOthersTheirTurnWhileMuchComes) {
  BlockingServer server = BlockingServer::OnIpv4();
  size_t in_this_wakeup = 0;
  size_t most_in_a_wakeup = 0;
  StreamClient client(*loop_, server.endpoint(), nullptr,
                      {nullptr,
                       [&](StreamClient&, absl::string_view bytes) {
                         if (in_this_wakeup == 0) {
                           loop_->AtEndOfWakeup([&] {
                             most_in_a_wakeup = std::max(most_in_a_wakeup, in_this_wakeup);
                             in_this_wakeup = 0;
                           });
                         }
                         in_this_wakeup += bytes.size();
                       },
                       nullptr});
  ServedPeer peer = server.Accept();
  const std::string bytes = ManyBytes(kTenMegabytes);
  peer.Send(bytes);
  EXPECT_TRUE(client.WaitData(bytes.size()) == bytes);
  RunOn(*loop_, [&] { EXPECT_LE(most_in_a_wakeup, 256 * 1024); });
}

TEST_F(StreamTest, MayBeDestroyedWhenConnected) {
  BlockingServer server = BlockingServer::OnIpv4();
  StreamClient client(*loop_, server.endpoint(), nullptr,
                      {[](StreamClient& one) {
                         one.stream().Write("never sent");
                         one.Drop();
                       },
                       nullptr, nullptr});
  ServedPeer peer = server.Accept();
  EXPECT_TRUE(peer.IsAtEnd());
  EXPECT_EQ(client.times_closed(), 0);
}

TEST_F(StreamTest, MayBeDestroyedWhenDataComes) {
  BlockingServer server = BlockingServer::OnIpv4();
  StreamClient client(*loop_, server.endpoint(), nullptr,
                      {nullptr, [](StreamClient& one, absl::string_view) { one.Drop(); }, nullptr});
  ServedPeer peer = server.Accept();
  peer.Send("data");
  EXPECT_TRUE(peer.IsAtEnd());
  EXPECT_EQ(client.WaitData(4), "data");
  EXPECT_EQ(client.times_closed(), 0);
}

TEST_F(StreamTest, MayBeDestroyedWhenClosed) {
  BlockingServer server = BlockingServer::OnIpv4(BlockingServer::Mode::kRefusing);
  StreamClient client(*loop_, server.endpoint(), nullptr,
                      {nullptr, nullptr, [](StreamClient& one) { one.Drop(); }});
  EXPECT_FALSE(client.WaitClosed().ok());
}

TEST_F(StreamTest, TellsNothingOnceDestroyed) {
  BlockingServer server = BlockingServer::OnIpv4();
  BlockingServer refusing = BlockingServer::OnIpv4(BlockingServer::Mode::kRefusing);
  const TempFolder folder;
  SetAddresses("none.test", {});
  for (const Endpoint& endpoint :
       {server.endpoint(), refusing.endpoint(), Endpoint{"", 0, folder / "none"},
        Endpoint{"localhost", server.endpoint().port, ""}, Endpoint{"none.test", 1, ""}}) {
    StreamClient client(*loop_, endpoint);
    RunOn(*loop_, [&] { client.Drop(); });
    const int told = client.times_connected() + client.times_closed();
    for (int i = 0; i < 3; ++i) {
      RunOn(*loop_, [] {});
    }
    EXPECT_EQ(client.times_connected() + client.times_closed(), told) << endpoint.ToString();
  }
}

TEST_F(StreamTest, MayBeDestroyedWithItsLoopWhileItsNameIsResolved) {
  Flag asked;
  Flag answered;
  SetAddresses("late.test", {"127.0.0.1"}, &asked, &answered);
  {
    const auto loop = NewEventLoop(*clock_);
    const StreamClient being_asked_for(*loop, {"late.test", 1, ""});
    const StreamClient waiting(*loop, {"late.test", 1, ""});
    ASSERT_TRUE(asked.Wait());
  }
  answered.Set();
  // The resolver goes on with the next name.
  BlockingServer server = BlockingServer::OnIpv4();
  EchoesThrough(server, {"localhost", server.endpoint().port, ""});
}

TEST_F(StreamTest, MayBeDestroyedAtAnyMomentOfItsResolution) {
  for (int i = 0; i < 200; ++i) {
    const auto loop = NewEventLoop(*clock_);
    StreamClient a(*loop, {"localhost", 1, ""});
    const StreamClient b(*loop, {"localhost", 1, ""});
    RunOn(*loop, [&] { a.Drop(); });
  }
}

}  // namespace
}  // namespace sluice
