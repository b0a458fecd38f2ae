#include "policy/auth.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/glob.h"

namespace sluice {
namespace {

using Names = std::vector<std::string>;

AuthRule Rule(std::string san, Names tenants, bool admin = false) {
  return {std::move(san), std::move(tenants), admin, {}};
}

const Names kNobody;
const Names kWeb = {"web.acme.example", "spiffe://acme/web"};

TEST(AuthTest, WithoutRulesAnyoneActsForAnyTenantAndNobodyAdministers) {
  const Auth auth;
  EXPECT_TRUE(auth.open());
  EXPECT_TRUE(auth.MayActFor(kNobody, ""));
  EXPECT_TRUE(auth.MayActFor(kNobody, "acme"));
  EXPECT_FALSE(auth.MayAdminister(kNobody));
  EXPECT_EQ(auth.OnlyTenant(kNobody), absl::nullopt);
}

TEST(AuthTest, ARuleNamesItsTenants) {
  const Auth auth({Rule("spiffe://acme/*", {"acme", "acme-test"})});
  EXPECT_FALSE(auth.open());
  EXPECT_TRUE(auth.MayActFor(kWeb, "acme"));
  EXPECT_TRUE(auth.MayActFor(kWeb, "acme-test"));
  EXPECT_FALSE(auth.MayActFor(kWeb, "acme-prod"));
  EXPECT_FALSE(auth.MayActFor(kWeb, ""));
  EXPECT_FALSE(auth.MayAdminister(kWeb));
  EXPECT_FALSE(auth.MayActFor({{"spiffe://globex/web"}}, "acme"));
}

TEST(AuthTest, RulesAddUp) {
  const Auth auth({Rule("*.acme.example", {"acme"}), Rule("spiffe://acme/*", {""}),
                   Rule("spiffe://globex/*", {"globex"}, true)});
  EXPECT_TRUE(auth.MayActFor(kWeb, "acme"));
  EXPECT_TRUE(auth.MayActFor(kWeb, ""));
  EXPECT_FALSE(auth.MayActFor(kWeb, "globex"));
  EXPECT_FALSE(auth.MayAdminister(kWeb));
  EXPECT_TRUE(auth.MayAdminister({{"spiffe://globex/ops"}}));
}

TEST(AuthTest, TheStarIsAnyTenantAndTheDefaultOne) {
  const Auth auth({Rule("spiffe://acme/*", {"*"})});
  EXPECT_TRUE(auth.MayActFor(kWeb, "anything"));
  EXPECT_TRUE(auth.MayActFor(kWeb, ""));
  EXPECT_EQ(auth.OnlyTenant(kWeb), absl::nullopt);
}

TEST(AuthTest, ACallerWithoutACertificateMatchesNoRule) {
  const Auth auth({Rule("*", {"*"}, true)});
  EXPECT_FALSE(auth.MayActFor(kNobody, ""));
  EXPECT_FALSE(auth.MayAdminister(kNobody));
}

TEST(AuthTest, AnAdministratorActsForNoTenantUnlessARuleSaysSo) {
  const Auth auth({Rule("web.*", {}, true)});
  EXPECT_TRUE(auth.MayAdminister(kWeb));
  EXPECT_FALSE(auth.MayActFor(kWeb, ""));
  EXPECT_EQ(auth.OnlyTenant(kWeb), absl::nullopt);
}

TEST(AuthTest, TheOnlyTenantIsTheOneThatAllMatchingRulesName) {
  const Auth twice({Rule("web.*", {"acme"}), Rule("spiffe://acme/*", {"acme"}),
                    Rule("spiffe://globex/*", {"globex"})});
  EXPECT_EQ(twice.OnlyTenant(kWeb), "acme");
  EXPECT_EQ(twice.OnlyTenant({{"spiffe://globex/web"}}), "globex");
  EXPECT_EQ(twice.OnlyTenant({{"spiffe://initech/web"}}), absl::nullopt);

  const Auth several({Rule("web.*", {"acme"}), Rule("spiffe://acme/*", {"", "acme"})});
  EXPECT_EQ(several.OnlyTenant(kWeb), absl::nullopt);
  const Auth any({Rule("web.*", {"acme"}), Rule("spiffe://acme/*", {"*"})});
  EXPECT_EQ(any.OnlyTenant(kWeb), absl::nullopt);
  const Auth standard({Rule("web.*", {""})});
  EXPECT_EQ(standard.OnlyTenant(kWeb), "");
}

TEST(GlobTest, CoversTheWholeText) {
  EXPECT_TRUE(MatchesStars("spiffe://acme/*/web", "spiffe://acme/eu/north/web"));
  EXPECT_TRUE(MatchesStars("*", ""));
  EXPECT_TRUE(MatchesStars("a*b*c", "aXbXbXc"));
  EXPECT_TRUE(MatchesStars("web", "web"));
  EXPECT_FALSE(MatchesStars("web", "web.example"));
  EXPECT_FALSE(MatchesStars("web", "a web"));
  EXPECT_FALSE(MatchesStars("a*b*c", "aXcXb"));
  EXPECT_FALSE(MatchesStars("", "a"));
}

}  // namespace
}  // namespace sluice
