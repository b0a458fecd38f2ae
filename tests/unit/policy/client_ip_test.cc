#include "policy/client_ip.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

using Headers = std::map<std::string, std::string>;

// Proxies in 10.0.0.0/8 and fd00::/8.
ClientIpPolicy Policy(const std::vector<std::string>& headers, int ipv6_prefix = 128) {
  return {{*Cidr::Parse("10.0.0.0/8"), *Cidr::Parse("fd00::/8")}, headers, ipv6_prefix};
}

ClientAddress Resolve(const ClientIpPolicy& policy, absl::string_view remote_address,
                      const Headers& headers) {
  return ResolveClient(policy, remote_address, [&](absl::string_view name) -> absl::string_view {
    const auto found = headers.find(std::string(name));
    return found == headers.end() ? absl::string_view() : found->second;
  });
}

std::string Chain(const std::string& value, absl::string_view peer = "10.0.0.1") {
  return Resolve(Policy({"x-forwarded-for"}), peer, {{"x-forwarded-for", value}}).address;
}

std::string Forwarded(const std::string& value, absl::string_view peer = "10.0.0.1") {
  return Resolve(Policy({"forwarded"}), peer, {{"forwarded", value}}).address;
}

std::string RealIp(const std::string& value, absl::string_view peer = "10.0.0.1") {
  return Resolve(Policy({"x-real-ip"}), peer, {{"x-real-ip", value}}).address;
}

TEST(ClientIpTest, IsTheRemoteAddressWithoutAnyPolicy) {
  const ClientAddress client =
      Resolve(ClientIpPolicy(), "192.0.2.1", {{"x-forwarded-for", "198.51.100.7"}});
  EXPECT_EQ(client.address, "192.0.2.1");
  EXPECT_EQ(client.folded, "192.0.2.1");
}

TEST(ClientIpTest, IsCanonical) {
  const ClientIpPolicy policy = Policy({});
  EXPECT_EQ(Resolve(policy, "2001:DB8:0::1", {}).address, "2001:db8::1");
  EXPECT_EQ(Resolve(policy, "::ffff:192.0.2.1", {}).address, "192.0.2.1");
  EXPECT_EQ(Resolve(policy, "fe80::1%eth0", {}).address, "fe80::1");
  EXPECT_EQ(Resolve(policy, "192.0.2.1:4711", {}).address, "192.0.2.1");
  EXPECT_EQ(Resolve(policy, "[2001:db8::1]:4711", {}).address, "2001:db8::1");
}

TEST(ClientIpTest, WhatIsNoAddressStaysAsItCame) {
  ClientIpPolicy policy = Policy({"x-forwarded-for"}, 64);
  policy.trusted_proxies.push_back(*Cidr::Parse("0.0.0.0/0"));
  policy.trusted_proxies.push_back(*Cidr::Parse("::/0"));
  for (absl::string_view peer : {"", "unix:/run/sluice.sock", "proxy.example", " ", "10.0.0.256",
                                 "10.0.0.1/8", "[10.0.0.1]", "[::1", "::1]", "10.0.0.1:"}) {
    const ClientAddress client = Resolve(policy, peer, {{"x-forwarded-for", "192.0.2.1"}});
    EXPECT_EQ(client.address, peer);
    EXPECT_EQ(client.folded, peer);
  }
}

TEST(ClientIpTest, WalksAChainOverTrustedProxies) {
  EXPECT_EQ(Chain("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(Chain("192.0.2.1, 10.0.0.2"), "192.0.2.1");
  EXPECT_EQ(Chain("192.0.2.1,fd00::7 ,\t10.0.0.2 "), "192.0.2.1");
  EXPECT_EQ(Chain("192.0.2.1", "fd00::1"), "192.0.2.1");
  EXPECT_EQ(Chain("192.0.2.1", "::ffff:10.0.0.1"), "192.0.2.1");
  EXPECT_EQ(Chain("192.0.2.1, ::ffff:10.0.0.2"), "192.0.2.1");
  EXPECT_EQ(Chain("2001:db8::1, 10.0.0.2"), "2001:db8::1");
}

TEST(ClientIpTest, OfTrustedHopsAloneTakesTheFurthest) {
  EXPECT_EQ(Chain("10.0.0.3, 10.0.0.2"), "10.0.0.3");
  EXPECT_EQ(Forwarded("for=10.0.0.3, for=10.0.0.2"), "10.0.0.3");
}

TEST(ClientIpTest, CutsPorts) {
  EXPECT_EQ(Chain("192.0.2.1:5678"), "192.0.2.1");
  EXPECT_EQ(Chain("[2001:db8::1]:80"), "2001:db8::1");
  EXPECT_EQ(Chain("[2001:db8::1]"), "2001:db8::1");
  EXPECT_EQ(Chain("192.0.2.1:80, 10.0.0.2:81"), "192.0.2.1");
  EXPECT_EQ(RealIp("192.0.2.1:80"), "192.0.2.1");
}

TEST(ClientIpTest, ReadsForwarded) {
  EXPECT_EQ(Forwarded("for=192.0.2.60;proto=http;by=203.0.113.43"), "192.0.2.60");
  EXPECT_EQ(Forwarded("proto=http; FOR=192.0.2.60 ; host=a.example;"), "192.0.2.60");
  EXPECT_EQ(Forwarded("For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
  EXPECT_EQ(Forwarded("for=\"192.0.2.1:_port\";proto=https"), "192.0.2.1");
  EXPECT_EQ(Forwarded("for=\"192\\.0.2.1\""), "192.0.2.1");
  EXPECT_EQ(Forwarded("for=192.0.2.43, for=198.51.100.17"), "198.51.100.17");
  EXPECT_EQ(Forwarded("for=192.0.2.43,for=10.0.0.2;by=10.0.0.1"), "192.0.2.43");
}

TEST(ClientIpTest, CommasAndSemicolonsInQuotesAreText) {
  EXPECT_EQ(Forwarded("for=192.0.2.1;x=\"a, b; for=192.0.2.2\""), "192.0.2.1");
  EXPECT_EQ(Forwarded("for=192.0.2.1;x=\"a \\\", for=192.0.2.2\""), "192.0.2.1");
  EXPECT_EQ(Forwarded("for=192.0.2.1;x=\"a \\\\\", for=10.0.0.2"), "192.0.2.1");
}

TEST(ClientIpTest, AsksHeadersInTheirOrder) {
  const Headers both = {{"true-client-ip", "192.0.2.1"}, {"x-forwarded-for", "192.0.2.2"}};
  EXPECT_EQ(Resolve(Policy({"x-forwarded-for", "true-client-ip"}), "10.0.0.1", both).address,
            "192.0.2.2");
  EXPECT_EQ(Resolve(Policy({"true-client-ip", "x-forwarded-for"}), "10.0.0.1", both).address,
            "192.0.2.1");
  EXPECT_EQ(Resolve(Policy({"x-real-ip", "true-client-ip"}), "10.0.0.1", both).address,
            "192.0.2.1");
  EXPECT_EQ(Resolve(Policy({"x-real-ip"}), "10.0.0.1", both).address, "10.0.0.1");
}

TEST(ClientIpTest, PassesOverAHeaderWithoutAnAddress) {
  for (const char* nobody : {"unknown", "_hidden", "", "192.0.2.1, unknown", "192.0.2.1,"}) {
    const Headers headers = {{"x-forwarded-for", nobody}, {"x-real-ip", "192.0.2.9"}};
    EXPECT_EQ(Resolve(Policy({"x-forwarded-for", "x-real-ip"}), "10.0.0.1", headers).address,
              "192.0.2.9")
        << nobody;
  }
}

TEST(ClientIpTest, OneAddressIsNoChain) {
  EXPECT_EQ(RealIp(" 192.0.2.1 "), "192.0.2.1");
  EXPECT_EQ(RealIp("10.0.0.9"), "10.0.0.9");
  EXPECT_EQ(RealIp("192.0.2.1, 192.0.2.2"), "10.0.0.1");
  EXPECT_EQ(RealIp("for=192.0.2.1"), "10.0.0.1");
}

TEST(ClientIpTest, FoldsIpv6ByPrefix) {
  const auto folded = [](absl::string_view peer, int prefix) {
    const ClientAddress client = Resolve(Policy({}, prefix), peer, {});
    return absl::StrCat(client.address, " ", client.folded);
  };
  EXPECT_EQ(folded("2001:db8:1:2:3:4:5:6", 64), "2001:db8:1:2:3:4:5:6 2001:db8:1:2::/64");
  EXPECT_EQ(folded("2001:db8:1:2ff::1", 56), "2001:db8:1:2ff::1 2001:db8:1:200::/56");
  EXPECT_EQ(folded("2001:db8::1", 128), "2001:db8::1 2001:db8::1");
  EXPECT_EQ(folded("2001:db8::1", 0), "2001:db8::1 ::/0");
  EXPECT_EQ(folded("192.0.2.1", 64), "192.0.2.1 192.0.2.1");
  EXPECT_EQ(folded("::ffff:192.0.2.1", 24), "192.0.2.1 192.0.2.1");
}

TEST(ClientIpTest, FoldsWhatAHeaderTells) {
  const ClientAddress client = Resolve(Policy({"x-forwarded-for"}, 64), "10.0.0.1",
                                       {{"x-forwarded-for", "2001:db8::1, fd00::9"}});
  EXPECT_EQ(client.address, "2001:db8::1");
  EXPECT_EQ(client.folded, "2001:db8::/64");
}

TEST(ClientIpTest, ReadsTheLast64Hops) {
  std::string chain = "192.0.2.1";
  for (int i = 0; i < 63; ++i) absl::StrAppend(&chain, ",10.0.1.", i);
  EXPECT_EQ(Chain(chain), "192.0.2.1");
  EXPECT_EQ(Chain(chain + ",10.0.2.1"), "10.0.1.0");
}

TEST(ClientIpSpoofingTest, AnUntrustedPeerIsNotBelieved) {
  EXPECT_EQ(Chain("10.0.0.9", "192.0.2.6"), "192.0.2.6");
  EXPECT_EQ(Forwarded("for=10.0.0.9", "192.0.2.6"), "192.0.2.6");
  EXPECT_EQ(RealIp("10.0.0.9", "192.0.2.6"), "192.0.2.6");
}

TEST(ClientIpSpoofingTest, WhatTheClientSentStandsBeforeTheClient) {
  EXPECT_EQ(Chain("203.0.113.9, 192.0.2.6"), "192.0.2.6");
  EXPECT_EQ(Chain("203.0.113.9, 10.0.0.9, 192.0.2.6, 10.0.0.2"), "192.0.2.6");
  EXPECT_EQ(Forwarded("for=203.0.113.9, for=10.0.0.9, for=192.0.2.6"), "192.0.2.6");
}

TEST(ClientIpSpoofingTest, NobodyKnownIsNotWalkedOver) {
  for (const char* nobody : {"unknown", "_hidden", "", " ", "unix:", "10.0.0.2/8", "010.0.0.2",
                             "\"10.0.0.2\"", "[10.0.0.2]", "10.0.0.2:", "10.0.0.2 10.0.0.3"}) {
    EXPECT_EQ(Chain(absl::StrCat("203.0.113.9, ", nobody)), "10.0.0.1") << nobody;
    EXPECT_EQ(Chain(absl::StrCat("203.0.113.9,", nobody, ",10.0.0.3")), "10.0.0.3") << nobody;
  }
  for (const char* nobody : {"for=unknown", "for=_hidden", "for=", "proto=http", "", "10.0.0.2"}) {
    EXPECT_EQ(Forwarded(absl::StrCat("for=203.0.113.9, ", nobody)), "10.0.0.1") << nobody;
    EXPECT_EQ(Forwarded(absl::StrCat("for=203.0.113.9,", nobody, ",for=10.0.0.3")), "10.0.0.3")
        << nobody;
  }
}

TEST(ClientIpSpoofingTest, AnOpenQuoteDoesNotSwallowWhatAProxyAppends) {
  for (const char* sent : {"for=\"203.0.113.9", "for=203.0.113.9;x=\"", "for=203.0.113.9;x=\"\\",
                           "\"", "\\\"", "for=203.0.113.9;x=\"a\\\"", "for=203.0.113.9, for=\""}) {
    EXPECT_EQ(Forwarded(absl::StrCat(sent, ", for=192.0.2.6")), "192.0.2.6") << sent;
    EXPECT_EQ(Forwarded(absl::StrCat(sent, ", for=\"[2001:db8::6]:1\"")), "2001:db8::6") << sent;
    EXPECT_EQ(Forwarded(absl::StrCat(sent, ", for=\"192.0.2.6\";host=\"a\\\"b\"")), "192.0.2.6")
        << sent;
  }
}

TEST(ClientIpSpoofingTest, AnElementThatIsNotWellFormedTellsNothing) {
  for (const char* element :
       {"for=192.0.2.6;x=\"\"for=203.0.113.9", "for=203.0.113.9;for=192.0.2.6",
        "for=\"203.0.113.9\"x", "for=203.0.113.9;x", "for=203.0.113.9;=x", "for=203.0.113.9;x=\"",
        "for =203.0.113.9", "for=203.0.113.9;a b=c", "for=\"203.0.113.9", "for=203.0.113.9\""}) {
    EXPECT_EQ(Forwarded(element), "10.0.0.1") << element;
  }
}

TEST(ClientIpSpoofingTest, AHeaderThatIsNotListedIsNotRead) {
  EXPECT_EQ(Resolve(Policy({"x-forwarded-for"}), "10.0.0.1",
                    {{"x-forwarded-for", "192.0.2.6"}, {"forwarded", "for=203.0.113.9"}})
                .address,
            "192.0.2.6");
}

// Bytes, and what looks like a header more often than bytes do.
rc::Gen<std::string> AnyValue() {
  return rc::gen::oneOf(
      rc::gen::container<std::string>(rc::gen::arbitrary<char>()),
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("for=\"\\,;[]:%.12_a \t"))),
      rc::gen::map(
          rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(
              std::vector<std::string>{"10.0.0.2", "203.0.113.9", "for=", "\"", "\\", ",", ";",
                                       "[2001:db8::1]:1", "unknown", " ", "by=", "fd00::1"})),
          [](const std::vector<std::string>& pieces) {
            std::string value;
            for (const std::string& piece : pieces) value += piece;
            return value;
          }));
}

RC_GTEST_PROP(ClientIpPropertyTest, AnUntrustedPeerIsTheClient, ()) {
  const std::string value = *AnyValue();
  for (const char* name : {"forwarded", "x-forwarded-for", "x-real-ip"}) {
    const ClientAddress client = Resolve(Policy({name}), "192.0.2.6", {{name, value}});
    RC_ASSERT(client.address == "192.0.2.6");
    RC_ASSERT(client.folded == "192.0.2.6");
  }
}

// Whatever a client sent, a trusted proxy appended the client behind it.
RC_GTEST_PROP(ClientIpPropertyTest, WhatATrustedProxyAppendsIsTheClient, ()) {
  const std::string sent = *AnyValue();
  RC_ASSERT(Chain(absl::StrCat(sent, ", 192.0.2.6")) == "192.0.2.6");
  RC_ASSERT(Chain(absl::StrCat(sent, ",192.0.2.6, 10.0.0.2")) == "192.0.2.6");
  RC_ASSERT(Forwarded(absl::StrCat(sent, ", for=192.0.2.6")) == "192.0.2.6");
  RC_ASSERT(Forwarded(absl::StrCat(sent, ",for=\"[2001:db8::6]:1\";by=\"a,\\\"b\"")) ==
            "2001:db8::6");
  RC_ASSERT(Forwarded(absl::StrCat(sent, ",for=\"[2001:db8::6]\", for=10.0.0.2")) == "2001:db8::6");
}

RC_GTEST_PROP(ClientIpPropertyTest, AnyBytesEndWithAnAddress, ()) {
  const std::string value = *AnyValue();
  for (const char* name : {"forwarded", "x-forwarded-for", "x-real-ip"}) {
    const std::string address = Resolve(Policy({name}), "10.0.0.1", {{name, value}}).address;
    RC_ASSERT(IpAddress::Parse(address)->ToString() == address);
  }
}

RC_GTEST_PROP(ClientIpPropertyTest, AnyRemoteAddressIsItselfOrAnAddress, ()) {
  const std::string peer = *AnyValue();
  const std::string address = Resolve(Policy({"x-forwarded-for"}), peer, {}).address;
  RC_ASSERT(address == peer || IpAddress::Parse(address).has_value());
}

}  // namespace
}  // namespace sluice
