#include "policy/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

std::shared_ptr<const PolicySet> Load(absl::string_view text) {
  PolicyResult result = LoadPolicyText("test.yaml", text, 1);
  for (const PolicyError& error : result.errors) ADD_FAILURE() << error.ToString();
  return std::move(result.policy);
}

std::vector<std::string> ErrorsOf(absl::string_view text) {
  std::vector<std::string> errors;
  const PolicyResult result = LoadPolicyText("test.yaml", text, 1);
  EXPECT_EQ(result.policy == nullptr, !result.errors.empty());
  for (const PolicyError& error : result.errors) errors.push_back(error.ToString());
  return errors;
}

TEST(LoaderTest, ImpliesWhatIsNotSaid) {
  const auto policy = Load("namespace: myapp\n");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->generation, 1U);
  EXPECT_EQ(policy->source, "test.yaml");
  EXPECT_EQ(policy->server.grpc_address, "0.0.0.0:8081");
  EXPECT_EQ(policy->server.http_address, "0.0.0.0:8080");
  EXPECT_EQ(policy->server.drain_delay_us, 2'000'000);
  EXPECT_EQ(policy->server.drain_grace_us, 10'000'000);
  ASSERT_THAT(policy->backends, SizeIs(1));
  EXPECT_EQ(policy->backends[0].name, "local");
  EXPECT_EQ(policy->backends[0].type, "memory");
  EXPECT_EQ(policy->backends[0].max_keys, 10'000'000);
  EXPECT_EQ(policy->backends[0].on_full, OnFull::kThrottle);
  ASSERT_THAT(policy->tenants, SizeIs(1));
  EXPECT_EQ(policy->tenants[0].name, "");
  EXPECT_EQ(policy->tenants[0].name_space, "myapp");
  EXPECT_THAT(policy->throttles, IsEmpty());
  EXPECT_THAT(policy->domains, IsEmpty());
}

TEST(LoaderTest, ReadsTheServer) {
  const auto policy = Load(R"(
server:
  grpc: {address: "127.0.0.1:0"}
  http: {address: "127.0.0.1:9090"}
  drain_delay: 250ms
  drain_grace: 0s
)");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->server.grpc_address, "127.0.0.1:0");
  EXPECT_EQ(policy->server.http_address, "127.0.0.1:9090");
  EXPECT_EQ(policy->server.drain_delay_us, 250'000);
  EXPECT_EQ(policy->server.drain_grace_us, 0);
}

TEST(LoaderTest, ReadsBackends) {
  const auto policy = Load(R"(
backends:
  first: {type: memory}
  second: {type: memory, max_keys: 1_000, on_full: allow}
default_backend: second
domains: {backend: first}
)");
  ASSERT_NE(policy, nullptr);
  ASSERT_THAT(policy->backends, SizeIs(2));
  EXPECT_EQ(policy->backends[1].name, "second");
  EXPECT_EQ(policy->backends[1].max_keys, 1000);
  EXPECT_EQ(policy->backends[1].on_full, OnFull::kAllow);
  EXPECT_EQ(policy->tenants[0].backend, 1U);
  EXPECT_EQ(policy->domains_backend, 0U);
}

TEST(LoaderTest, TenantsTakeWhatTheyDoNotSayFromTheRoot) {
  const auto policy = Load(R"(
namespace: root
backends: {a: {type: memory}, b: {type: memory}}
default_backend: b
tenants:
  acme: {backend: a, namespace: acme}
  globex: {default_context: {tier: premium, seats: 10}}
  initech:
)");
  ASSERT_NE(policy, nullptr);
  const Tenant* acme = policy->FindTenant("acme");
  ASSERT_NE(acme, nullptr);
  EXPECT_EQ(acme->name_space, "acme");
  EXPECT_EQ(acme->backend, 0U);
  const Tenant* globex = policy->FindTenant("globex");
  ASSERT_NE(globex, nullptr);
  EXPECT_EQ(globex->name_space, "root");
  EXPECT_EQ(globex->backend, 1U);
  EXPECT_THAT(globex->context, UnorderedElementsAre(Pair("tier", "premium"), Pair("seats", "10")));
  EXPECT_NE(policy->FindTenant("initech"), nullptr);
  EXPECT_EQ(policy->FindTenant(""), &policy->tenants[0]);
  EXPECT_EQ(policy->FindTenant("unknown"), nullptr);
}

TEST(LoaderTest, TheStarRowIsForTenantsWithoutTheirOwn) {
  const auto policy = Load("tenants: {acme: {}, \"*\": {namespace: others}}\n");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->FindTenant("acme")->name, "acme");
  ASSERT_NE(policy->FindTenant("unknown"), nullptr);
  EXPECT_EQ(policy->FindTenant("unknown")->name_space, "others");
  EXPECT_EQ(policy->FindTenant("")->name, "");
  EXPECT_EQ(policy->FindTenant("*"), nullptr);
}

TEST(LoaderTest, AThrottleNeedsOnlyAUidAndARate) {
  const auto policy = Load("throttles:\n  - uid: a\n    rate: 100/min\n");
  ASSERT_NE(policy, nullptr);
  const Throttle* throttle = policy->FindThrottle("a");
  ASSERT_NE(throttle, nullptr);
  EXPECT_EQ(throttle->rate.otherwise.rate.ToString(), "100/min");
  ASSERT_TRUE(throttle->rate.otherwise.limit.has_value());
  EXPECT_EQ(throttle->rate.otherwise.limit->strategy(), "fixed_window");
  EXPECT_EQ(throttle->cost.hits.otherwise.value, 1U);
  EXPECT_EQ(throttle->identifier.text(), "{identifier|remote_address}");
  EXPECT_THAT(throttle->key_by, ElementsAre("scope"));
  EXPECT_THAT(throttle->context, IsEmpty());
  EXPECT_EQ(throttle->headers.when, HeaderPolicy::When::kAlways);
  EXPECT_EQ(throttle->headers.format, HeaderPolicy::Format::kClassic);
  EXPECT_FALSE(throttle->shadow);
  EXPECT_TRUE(throttle->enabled);
  EXPECT_EQ(throttle->position.file, "test.yaml");
  EXPECT_EQ(throttle->position.line, 2);
  EXPECT_EQ(throttle->position.column, 5);
  EXPECT_EQ(policy->FindThrottle("b"), nullptr);
}

TEST(LoaderTest, ReadsAllOfAThrottle) {
  const auto policy = Load(R"(
throttles:
  - uid: a
    rate: 2 per second
    strategy: {type: token_bucket, burst_size: 40}
    cost: 4503599627370496
    identifier: "user:{user_id}"
    key_by: [region, scope]
    context: {region: eu}
    headers: {when: denied, format: both}
    shadow: On
    enabled: no
)");
  ASSERT_NE(policy, nullptr);
  const Throttle& throttle = policy->throttles.at(0);
  EXPECT_EQ(throttle.rate.otherwise.limit->strategy(), "token_bucket");
  EXPECT_EQ(throttle.rate.otherwise.limit->most(), 40);
  EXPECT_EQ(throttle.cost.hits.otherwise.value, uint64_t{1} << 52);
  EXPECT_EQ(throttle.identifier.text(), "user:{user_id}");
  EXPECT_THAT(throttle.key_by, ElementsAre("region", "scope"));
  EXPECT_THAT(throttle.context, ElementsAre(Pair("region", "eu")));
  EXPECT_EQ(throttle.headers.when, HeaderPolicy::When::kDenied);
  EXPECT_EQ(throttle.headers.format, HeaderPolicy::Format::kBoth);
  EXPECT_TRUE(throttle.shadow);
  EXPECT_FALSE(throttle.enabled);
}

TEST(LoaderTest, UnlimitedHasNoLimitWhateverItsStrategy) {
  const auto policy = Load("throttles: [{uid: a, rate: unlimited, strategy: gcra, key_by: []}]\n");
  ASSERT_NE(policy, nullptr);
  EXPECT_TRUE(policy->throttles.at(0).rate.otherwise.rate.unlimited());
  EXPECT_FALSE(policy->throttles.at(0).rate.otherwise.limit.has_value());
  EXPECT_THAT(policy->throttles.at(0).key_by, IsEmpty());
}

TEST(LoaderTest, AThrottlesOwnValueWinsOverTheDefault) {
  const auto policy = Load(R"(
defaults:
  rate: 10/s
  strategy: {type: gcra, burst: 7}
  cost: 3
  identifier: "{user_id}"
  key_by: []
  context: {tier: free, region: eu}
  headers: denied
  shadow: true
  enabled: false
throttles:
  - uid: all
  - uid: own
    rate: 5/min
    strategy: fixed_window
    cost: 0
    identifier: "{remote_address}"
    key_by: [scope]
    context: {tier: gold}
    headers: {format: ietf}
    shadow: false
    enabled: true
  - uid: some
    rate: 20/min
)");
  ASSERT_NE(policy, nullptr);
  const Throttle& all = *policy->FindThrottle("all");
  EXPECT_EQ(all.rate.otherwise.rate.ToString(), "10/s");
  EXPECT_EQ(all.rate.otherwise.limit->strategy(), "gcra");
  EXPECT_EQ(all.rate.otherwise.limit->most(), 7);
  EXPECT_EQ(all.cost.hits.otherwise.value, 3U);
  EXPECT_EQ(all.identifier.text(), "{user_id}");
  EXPECT_THAT(all.key_by, IsEmpty());
  EXPECT_THAT(all.context, SizeIs(2));
  EXPECT_EQ(all.headers.when, HeaderPolicy::When::kDenied);
  EXPECT_TRUE(all.shadow);
  EXPECT_FALSE(all.enabled);

  const Throttle& own = *policy->FindThrottle("own");
  EXPECT_EQ(own.rate.otherwise.rate.ToString(), "5/min");
  EXPECT_EQ(own.rate.otherwise.limit->strategy(), "fixed_window");
  EXPECT_EQ(own.cost.hits.otherwise.value, 0U);
  EXPECT_EQ(own.identifier.text(), "{remote_address}");
  EXPECT_THAT(own.key_by, ElementsAre("scope"));
  EXPECT_THAT(own.context, ElementsAre(Pair("tier", "gold")));
  EXPECT_EQ(own.headers.when, HeaderPolicy::When::kAlways);
  EXPECT_EQ(own.headers.format, HeaderPolicy::Format::kIetf);
  EXPECT_FALSE(own.shadow);
  EXPECT_TRUE(own.enabled);

  EXPECT_EQ(policy->FindThrottle("some")->rate.otherwise.rate.ToString(), "20/min");
  EXPECT_EQ(policy->FindThrottle("some")->rate.otherwise.limit->strategy(), "gcra");
}

TEST(LoaderTest, MergeKeysAreMergedAndOwnKeysWin) {
  const auto policy = Load(R"(
throttles:
  - &base
    uid: base
    rate: 10/s
    cost: 2
  - &quiet
    uid: quiet
    rate: 20/s
    shadow: true
  - <<: *base
    uid: one
  - uid: two
    <<: [*quiet, *base]
)");
  ASSERT_NE(policy, nullptr);
  const Throttle& one = *policy->FindThrottle("one");
  EXPECT_EQ(one.rate.otherwise.rate.ToString(), "10/s");
  EXPECT_EQ(one.cost.hits.otherwise.value, 2U);
  const Throttle& two = *policy->FindThrottle("two");
  EXPECT_EQ(two.rate.otherwise.rate.ToString(), "20/s");  // the earlier of the list wins
  EXPECT_EQ(two.cost.hits.otherwise.value, 2U);
  EXPECT_TRUE(two.shadow);
}

TEST(LoaderTest, AQuotedMergeKeyIsAKeyLikeAnyOther) {
  EXPECT_THAT(ErrorsOf("throttles: [&a {uid: a, rate: 1/s}, {\"<<\": *a, uid: b, rate: 1/s}]\n"),
              ElementsAre(HasSubstr("unknown key '<<'")));
}

TEST(LoaderTest, MergesNestOverSeveralLevels) {
  const auto policy = Load(R"(
throttles:
  - &base {uid: base, rate: 10/s, cost: 2}
  - &shadowed {<<: *base, uid: shadowed, shadow: true}
  - {uid: both, <<: [*shadowed, *base], rate: 5/s}
)");
  ASSERT_NE(policy, nullptr);
  const Throttle& both = *policy->FindThrottle("both");
  EXPECT_EQ(both.rate.otherwise.rate.ToString(), "5/s");
  EXPECT_EQ(both.cost.hits.otherwise.value, 2U);
  EXPECT_TRUE(both.shadow);
}

TEST(LoaderTest, AliasesAreWhatTheyName) {
  const auto policy = Load(R"(
throttles:
  - {uid: a, rate: &rate 10/s, strategy: &burst {type: gcra, burst: 7}}
  - {uid: b, rate: *rate, strategy: *burst}
)");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->FindThrottle("b")->rate.otherwise.limit->most(), 7);
}

TEST(LoaderTest, AnAliasBombIsRefusedBeforeItGoesOff) {
  std::string text = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    absl::StrAppend(&text, "b", i, ": &a", i, " [");
    for (int j = 0; j < 10; ++j) absl::StrAppend(&text, "*a", i - 1, ", ");
    absl::StrAppend(&text, "x]\n");
  }
  EXPECT_THAT(ErrorsOf(text), ElementsAre(HasSubstr("more than 1000000 nodes, aliases included")));
}

TEST(LoaderTest, AMergeBombIsRefusedToo) {
  std::string text = "a0: &a0 {k0: v}\n";
  for (int i = 1; i < 64; ++i) {
    absl::StrAppend(&text, "a", i, ": &a", i, " {<<: [*a", i - 1, ", *a", i - 1, "], k", i,
                    ": v}\n");
  }
  EXPECT_THAT(ErrorsOf(text), ElementsAre(HasSubstr("more than 1000000 nodes, aliases included")));
}

TEST(LoaderTest, NestingIsBounded) {
  EXPECT_THAT(ErrorsOf("a: " + std::string(100'000, '[')),
              ElementsAre(HasSubstr("nested more than 64 levels deep")));
  EXPECT_THAT(ErrorsOf("a: " + std::string(100'000, '{')),
              ElementsAre(HasSubstr("nested more than 64 levels deep")));
  std::string dashes;
  for (int i = 0; i < 10'000; ++i) dashes += "- ";
  EXPECT_THAT(ErrorsOf(dashes), ElementsAre(HasSubstr("nested more than 64 levels deep")));
}

TEST(LoaderTest, SizeIsBounded) {
  EXPECT_THAT(ErrorsOf(std::string((8 << 20) + 1, '#')), ElementsAre(HasSubstr("larger than")));
  EXPECT_THAT(ErrorsOf(std::string(8 << 20, '#')), ElementsAre(HasSubstr("the file is empty")));
}

TEST(LoaderTest, ErrorsAreBounded) {
  std::string text;
  for (int i = 0; i < 5000; ++i) absl::StrAppend(&text, "unknown", i, ": x\n");
  const std::vector<std::string> errors = ErrorsOf(text);
  EXPECT_THAT(errors, SizeIs(1001));
  EXPECT_THAT(errors.back(), HasSubstr("too many errors"));
}

TEST(LoaderTest, AnErrorIsOneLine) {
  EXPECT_THAT(ErrorsOf("throttles: [{uid: a, rate: \"1\\n2\\x1b[31m\"}]\n"),
              ElementsAre(HasSubstr("rate '1 2 [31m'")));
}

TEST(LoaderTest, JsonIsYaml) {
  const auto policy =
      Load("{\n\t\"throttles\": [\n\t\t{\"uid\": \"a\", \"rate\": \"1/s\"}\n\t]\n}\n");
  ASSERT_NE(policy, nullptr);
  EXPECT_NE(policy->FindThrottle("a"), nullptr);
}

TEST(LoaderTest, AByteOrderMarkAndWindowsLinesAreFine) {
  const auto policy =
      Load("\xef\xbb\xbfnamespace: caf\xc3\xa9\r\nthrottles:\r\n- {uid: a, rate: 1/s}\r\n");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->name_space, "caf\xc3\xa9");
}

TEST(LoaderTest, SectionsWithoutAnythingInThemAreAbsent) {
  const auto policy =
      Load("server:\nbackends:\ntenants:\ndefaults:\nthrottles:\ndomains:\n  files:\n");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->backends.at(0).name, "local");
}

TEST(LoaderTest, ContextIsBounded) {
  const std::string start = "throttles: [{uid: a, rate: 1/s, context: {";
  EXPECT_THAT(ErrorsOf(start + "k: " + std::string(1023, 'v') + "}}]"), IsEmpty());
  EXPECT_THAT(ErrorsOf(start + "k: " + std::string(1024, 'v') + "}}]"),
              ElementsAre(HasSubstr("too long (at most 1024 bytes together)")));
  std::string many = start;
  for (int i = 0; i < 65; ++i) absl::StrAppend(&many, "k", i, ": v, ");
  EXPECT_THAT(ErrorsOf(many + "}}]"), ElementsAre(HasSubstr("has 65 entries (at most 64)")));
}

TEST(LoaderTest, TheHashIsThatOfTheContent) {
  const auto one = Load("namespace: one\n");
  const auto same = LoadPolicyText("other.yaml", "namespace: one\n", 7).policy;
  const auto two = Load("namespace: two\n");
  ASSERT_TRUE(one != nullptr && same != nullptr && two != nullptr);
  EXPECT_THAT(one->content_hash, testing::MatchesRegex("[0-9a-f]{64}"));
  EXPECT_EQ(one->content_hash, same->content_hash);
  EXPECT_EQ(same->generation, 7U);
  EXPECT_NE(one->content_hash, two->content_hash);
}

TEST(LoaderTest, WarnsOfALogThatIsShorterThanItsLimit) {
  const PolicyResult result = LoadPolicyText(
      "log.yaml",
      "throttles:\n"
      "  - {uid: a, rate: 10/s, strategy: sliding_window_log}\n"
      "  - {uid: b, rate: 10/s, strategy: {type: sliding_window_log, max_entries: 9}}\n",
      1);
  ASSERT_NE(result.policy, nullptr);
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_THAT(
      result.warnings[0].ToString(),
      HasSubstr("log.yaml:3:5: warning: sliding_window_log: max_entries is 9: while so many "
                "requests are remembered every further one is denied, although the limit is 10 "
                "(raise it, or use sliding_window_counter)"));
}

TEST(LoaderTest, StrategiesTakeListsAndMaps) {
  const auto policy = Load(
      "throttles:\n"
      "  - uid: tiered\n"
      "    rate: 10/s\n"
      "    strategy: {type: tiered_rate, tiers: {free: 0.5, pro: 5}, default_tier: free}\n"
      "  - uid: hours\n"
      "    rate: 10/s\n"
      "    strategy:\n"
      "      type: time_of_day\n"
      "      timezone: Europe/Berlin\n"
      "      windows:\n"
      "        - {from: 8, to: 20, multiplier: 2}\n"
      "        - {from: 20, to: 8, multiplier: 0.1}\n");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->throttles[0].rate.otherwise.limit->most(
                policy->throttles[0].rate.otherwise.limit->TagOf("pro")),
            50);
  EXPECT_EQ(policy->throttles[1].rate.otherwise.limit->most(), 20);
}

TEST(LoaderTest, ADomainFileIsAPolicyOfItsOwn) {
  const auto policy = Load("domain: edge\ndescriptors: [{key: a}]\n");
  ASSERT_NE(policy, nullptr);
  EXPECT_NE(policy->FindDomain("edge"), nullptr);
  EXPECT_EQ(policy->backends.at(0).name, "local");
  EXPECT_NE(policy->FindTenant(""), nullptr);
}

}  // namespace
}  // namespace sluice
