#include "core/key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

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

}  // namespace
}  // namespace sluice
