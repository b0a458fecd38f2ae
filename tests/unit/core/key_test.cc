#include "core/key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Owns what KeyParts only points to.
struct OwnedParts {
  std::vector<std::string> fixed = {"ns", "tenant", "tag", "throttle", "shape"};
  std::vector<std::pair<std::string, std::string>> splits;

  CounterKey Key(const HashSecret& secret) const {
    const std::vector<std::pair<absl::string_view, absl::string_view>> views(splits.begin(),
                                                                             splits.end());
    return CounterKey({fixed[0], fixed[1], fixed[2], fixed[3], views, fixed[4]}, secret);
  }
  std::string Text() const { return Key(HashSecret::FromSeed(1)).ToString(); }

  friend bool operator==(const OwnedParts& a, const OwnedParts& b) {
    return a.fixed == b.fixed && a.splits == b.splits;
  }
};

// Short words over the characters that separate, escape and mark, so that near misses are common.
rc::Gen<std::string> TrickyWord() {
  return rc::gen::resize(4, rc::gen::container<std::string>(
                                rc::gen::element('a', '_', ':', '=', '{', '}', '%', '~', '\0')));
}

rc::Gen<OwnedParts> TrickyParts() {
  return rc::gen::build<OwnedParts>(
      rc::gen::set(&OwnedParts::fixed,
                   rc::gen::container<std::vector<std::string>>(5, TrickyWord())),
      rc::gen::set(
          &OwnedParts::splits,
          rc::gen::resize(3, rc::gen::container<std::vector<std::pair<std::string, std::string>>>(
                                 rc::gen::pair(TrickyWord(), TrickyWord())))));
}

TEST(CounterKeyTest, WritesTheKeyOfTheContract) {
  OwnedParts parts;
  parts.fixed = {"myapp", "acme", "alice", "api", "fixed_window.1"};
  EXPECT_EQ(parts.Text(), "{myapp:acme:alice}:api:fixed_window.1");
}

TEST(CounterKeyTest, TheDefaultTenantIsAnEmptyPart) {
  OwnedParts parts;
  parts.fixed[1] = "";
  EXPECT_EQ(parts.Text(), "{ns::tag}:throttle:shape");
}

TEST(CounterKeyTest, SplitsStandBehindTheThrottleInTheirOrder) {
  OwnedParts parts;
  parts.splits = {{"scope", "read"}, {"region", "eu"}};
  EXPECT_EQ(parts.Text(), "{ns:tenant:tag}:throttle:scope=read:region=eu:shape");
}

TEST(CounterKeyTest, EncodesWhatSeparatesAndWhatIsNotPrintableAscii) {
  OwnedParts parts;
  parts.fixed[2] = std::string("a%:{}\0\n\x7f\xc3\xa9 z", 12);
  EXPECT_EQ(parts.Text(), "{ns:tenant:a%25%3A%7B%7D%00%0A%7F%C3%A9 z}:throttle:shape");
}

TEST(CounterKeyTest, EncodesOnlyALeadingTilde) {
  OwnedParts parts;
  parts.fixed[2] = "~a~b";
  EXPECT_EQ(parts.Text(), "{ns:tenant:%7Ea~b}:throttle:shape");
}

TEST(CounterKeyTest, HashesAPartOfOver128EncodedBytes) {
  OwnedParts parts;
  parts.fixed[2] = std::string(128, 'a');
  EXPECT_THAT(parts.Text(), HasSubstr(parts.fixed[2]));
  parts.fixed[2] = std::string(129, 'a');
  EXPECT_EQ(parts.Text(), "{ns:tenant:~C12CB024A2E5551CCA0E08FCE8F1C5E3}:throttle:shape");
  // 43 bytes that take three each in the key.
  parts.fixed[2] = std::string(43, ':');
  EXPECT_THAT(parts.Text(), StartsWith("{ns:tenant:~"));
  parts.fixed[2] = std::string(42, ':');
  EXPECT_THAT(parts.Text(), Not(HasSubstr("~")));
}

TEST(CounterKeyTest, TheFingerprintNeedsTheSecret) {
  const OwnedParts parts;
  const CounterKey key = parts.Key(HashSecret::FromSeed(1));
  EXPECT_EQ(key.fingerprint(), parts.Key(HashSecret::FromSeed(1)).fingerprint());
  EXPECT_FALSE(key.fingerprint() == parts.Key(HashSecret::FromSeed(2)).fingerprint());
  const HashSecret random = HashSecret::Random();
  EXPECT_EQ(random.Hash("x"), random.Hash("x"));
  EXPECT_FALSE(random.Hash("x") == HashSecret::Random().Hash("x"));
  EXPECT_FALSE(random.Hash("x") == random.Hash("y"));
}

CounterKey KeyIn(absl::string_view throttle, absl::string_view tenant, absl::string_view tag,
                 const HashSecret& secret) {
  return CounterKey({"ns", tenant, tag, throttle, {}, "shape"}, secret);
}

// The 28 bits of the throttle and of the tenant.
uint64_t ThrottleBits(const CounterKey& key) { return key.fingerprint().low >> 36; }
uint64_t TenantBits(const CounterKey& key) { return key.fingerprint().low >> 8 & 0xfffffff; }

TEST(FingerprintTest, NamesTheThrottleAndTheTenant) {
  const HashSecret secret = HashSecret::FromSeed(1);
  const CounterKey key = KeyIn("search", "acme", "alice", secret);
  EXPECT_EQ(ThrottleBits(key), secret.HashName("search"));
  EXPECT_EQ(TenantBits(key), secret.HashName("acme"));
  const CounterKey other = KeyIn("upload", "", "alice", secret);
  EXPECT_EQ(ThrottleBits(other), secret.HashName("upload"));
  EXPECT_EQ(TenantBits(other), secret.HashName(""));
  EXPECT_NE(ThrottleBits(key), ThrottleBits(other));
  EXPECT_NE(TenantBits(key), TenantBits(other));
  const HashSecret another = HashSecret::FromSeed(2);
  EXPECT_NE(another.HashName("search"), secret.HashName("search"));
  EXPECT_NE(another.HashName(""), secret.HashName(""));
}

TEST(FingerprintTest, NamesOfMostBytesDoNotMeet) {
  const HashSecret secret = HashSecret::FromSeed(1);
  std::set<uint32_t> hashes;
  for (int i = 0; i < 2000; ++i) hashes.insert(secret.HashName(absl::StrCat("throttle-", i)));
  for (char c = 'a'; c <= 'z'; ++c) hashes.insert(secret.HashName(std::string(1, c)));
  for (size_t size = 2; size < 300; ++size) hashes.insert(secret.HashName(std::string(size, 'x')));
  EXPECT_EQ(hashes.size(), 2000u + 26 + 298);
  EXPECT_LT(*hashes.rbegin(), 1u << 28);
  EXPECT_GT(*hashes.rbegin(), 1u << 27);
}

// Where tables and shards look, the keys of one throttle and tenant are as evenly spread as any.
TEST(FingerprintTest, SpreadsTheKeysOfOneThrottle) {
  constexpr int kKeys = 1 << 16;
  const HashSecret secret = HashSecret::FromSeed(1);
  std::array<std::array<int, 256>, 9> counts{};
  std::set<uint64_t> highs;
  for (int i = 0; i < kKeys; ++i) {
    const Fingerprint print = KeyIn("search", "", absl::StrCat(i), secret).fingerprint();
    highs.insert(print.high);
    for (size_t byte = 0; byte < 8; ++byte) ++counts[byte][print.high >> 8 * byte & 0xff];
    ++counts[8][print.low & 0xff];
  }
  EXPECT_EQ(highs.size(), kKeys);
  for (const auto& of_byte : counts) {
    double chi_square = 0;
    for (const int count : of_byte) chi_square += (count - 256.0) * (count - 256.0) / 256.0;
    // 255 degrees of freedom: six standard deviations.
    EXPECT_NEAR(chi_square, 255, 6 * 22.6);
  }
}

TEST(KeyScopeTest, HoldsTheKeysOfItsNames) {
  const HashSecret secret = HashSecret::FromSeed(1);
  const auto holds = [&](const KeyScope& scope, absl::string_view throttle,
                         absl::string_view tenant) {
    return scope.Holds(KeyIn(throttle, tenant, "alice", secret).fingerprint());
  };
  const KeyScope search("search", absl::nullopt, secret);
  EXPECT_TRUE(holds(search, "search", "acme"));
  EXPECT_TRUE(holds(search, "search", ""));
  EXPECT_FALSE(holds(search, "upload", "acme"));
  const KeyScope acme(absl::nullopt, "acme", secret);
  EXPECT_TRUE(holds(acme, "search", "acme"));
  EXPECT_TRUE(holds(acme, "upload", "acme"));
  EXPECT_FALSE(holds(acme, "search", ""));
  const KeyScope both("search", "acme", secret);
  EXPECT_TRUE(holds(both, "search", "acme"));
  EXPECT_FALSE(holds(both, "search", "umbrella"));
  EXPECT_FALSE(holds(both, "upload", "acme"));
  const KeyScope default_tenant(absl::nullopt, "", secret);
  EXPECT_TRUE(holds(default_tenant, "search", ""));
  EXPECT_FALSE(holds(default_tenant, "search", "acme"));
  EXPECT_EQ(both.throttle(), "search");
  EXPECT_EQ(default_tenant.throttle(), absl::nullopt);
  EXPECT_EQ(default_tenant.tenant(), "");
}

// The throttle's name and the tenant's stand in places of their own.
TEST(KeyScopeTest, TellsAThrottleFromATenantOfItsName) {
  const HashSecret secret = HashSecret::FromSeed(1);
  const Fingerprint print = KeyIn("search", "acme", "alice", secret).fingerprint();
  EXPECT_FALSE(KeyScope("acme", absl::nullopt, secret).Holds(print));
  EXPECT_FALSE(KeyScope(absl::nullopt, "search", secret).Holds(print));
  EXPECT_FALSE(KeyScope("acme", "search", secret).Holds(print));
}

TEST(CounterKeyTest, FingerprintsAreOrdered) {
  const Fingerprint low{1, 9};
  const Fingerprint high{2, 0};
  EXPECT_LT(low, high);
  EXPECT_FALSE(high < low);
  EXPECT_LT((Fingerprint{1, 8}), low);
}

TEST(CounterKeyTest, SurvivesAMove) {
  OwnedParts parts;
  parts.fixed[2] = std::string(500, 'x');
  CounterKey key = parts.Key(HashSecret::FromSeed(1));
  const std::string text = key.ToString();
  const CounterKey moved = std::move(key);
  EXPECT_EQ(moved.ToString(), text);
}

RC_GTEST_PROP(CounterKeyProperty, PartsMovedAcrossABoundaryNeverMeet, ()) {
  const std::string joined =
      *rc::gen::suchThat(TrickyWord(), [](const std::string& word) { return word.size() >= 2; });
  const size_t first = *rc::gen::inRange<size_t>(0, joined.size() + 1);
  const size_t apart = *rc::gen::inRange<size_t>(1, joined.size() + 1);
  const size_t second = (first + apart) % (joined.size() + 1);
  const size_t at = *rc::gen::inRange<size_t>(0, 4);
  OwnedParts a;
  a.fixed[at] = joined.substr(0, first);
  a.fixed[at + 1] = joined.substr(first);
  OwnedParts b;
  b.fixed[at] = joined.substr(0, second);
  b.fixed[at + 1] = joined.substr(second);
  const HashSecret secret = HashSecret::FromSeed(7);
  RC_ASSERT(a.Key(secret).bytes() != b.Key(secret).bytes());
  RC_ASSERT(!(a.Key(secret).fingerprint() == b.Key(secret).fingerprint()));
  RC_ASSERT(a.Text() != b.Text());
}

RC_GTEST_PROP(CounterKeyProperty, KeysAreEqualIffTheirPartsAre, ()) {
  const OwnedParts a = *TrickyParts();
  const OwnedParts b = *rc::gen::oneOf(TrickyParts(), rc::gen::just(a));
  const HashSecret secret = HashSecret::FromSeed(7);
  const CounterKey key_a = a.Key(secret);
  const CounterKey key_b = b.Key(secret);
  RC_ASSERT((key_a.bytes() == key_b.bytes()) == (a == b));
  RC_ASSERT((key_a.fingerprint() == key_b.fingerprint()) == (a == b));
  RC_ASSERT((key_a.ToString() == key_b.ToString()) == (a == b));
}

TEST(CounterKeyTest, ASignInASplitIsNotTheOneThatParts) {
  OwnedParts a;
  a.splits = {{"a=b", "c"}};
  OwnedParts b;
  b.splits = {{"a", "b=c"}};
  EXPECT_NE(a.Text(), b.Text());
}

TEST(CounterKeyTest, AFallbackHasTheSamePartsUnderAThrottleOfItsOwn) {
  const HashSecret secret = HashSecret::FromSeed(1);
  OwnedParts parts;
  parts.splits = {{"region", "eu"}, {"", ""}};
  const CounterKey fallback = parts.Key(secret).ForFallback("re:dis", secret);
  parts.fixed[3] = "fallback:re:dis:throttle";
  EXPECT_EQ(fallback.bytes(), parts.Key(secret).bytes());
  EXPECT_EQ(fallback.fingerprint(), parts.Key(secret).fingerprint());
  EXPECT_EQ(fallback.ToString(),
            "{ns:tenant:tag}:fallback%3Are%3Adis%3Athrottle:region=eu:=:shape");
  EXPECT_TRUE(KeyScope(FallbackThrottle("re:dis", "throttle"), absl::nullopt, secret)
                  .Holds(fallback.fingerprint()));
}

}  // namespace
}  // namespace sluice
