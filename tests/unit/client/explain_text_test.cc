#include "cli/explain_text.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sluice::cli {
namespace {

v1::ExplainResponse FromText(const std::string& text) {
  v1::ExplainResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response));
  return response;
}

std::string Explained(const std::string& text) { return ExplainText(FromText(text), false); }

TEST(ExplainTextTest, ShowsEveryFieldOfARow) {
  EXPECT_EQ(Explained(R"(
    rows {
      throttle: "api:paid" applies: true position: "p.yaml:10" shadow: true
      rule { text: "apply: {path: /api/**}" position: "p.yaml:12" }
      cost: 3 cost_source { text: "method is POST" position: "p.yaml:14" }
      identifier: "alice" identifier_source { text: "{user_id}" position: "p.yaml:15" }
      rate: "100/min" rate_source { text: "plan is pro" position: "p.yaml:11" }
      tenant: "acme" tenant_source { text: "{header.x-tenant}" position: "p.yaml:3" }
      backend: "shared" backend_source { text: "the throttle's" position: "p.yaml:16" }
      key: "{a:acme:alice}:api:paid:gcra/100/min"
    })"),
            "api:paid (in shadow)  applies             p.yaml:10\n"
            "  rule        apply: {path: /api/**}      p.yaml:12\n"
            "  cost        3        method is POST     p.yaml:14\n"
            "  identifier  alice    {user_id}          p.yaml:15\n"
            "  rate        100/min  plan is pro        p.yaml:11\n"
            "  tenant      acme     {header.x-tenant}  p.yaml:3\n"
            "  backend     shared   the throttle's     p.yaml:16\n"
            "  key         {a:acme:alice}:api:paid:gcra/100/min\n");
}

TEST(ExplainTextTest, WhatNoFileSaysIsDefault) {
  EXPECT_EQ(Explained(R"(
    rows {
      throttle: "a" applies: true position: "p.yaml:2"
      cost: 1 cost_source { text: "default" }
      identifier_source { text: "{identifier|remote_address}" }
      rate: "5/s" rate_source { position: "p.yaml:3" }
      tenant_source { text: "the default tenant" }
      backend: "memory" backend_source { text: "the tenant's" }
      key: "k"
    })"),
            "a  applies         p.yaml:2\n"
            "  cost        1       default\n"
            "  identifier  -       default\n"
            "  rate        5/s  p.yaml:3\n"
            "  tenant      default\n"
            "  backend     memory  default\n"
            "  key         k\n");
}

TEST(ExplainTextTest, EndsWhereItWasClear) {
  EXPECT_EQ(Explained(R"(
    rows {
      throttle: "off" reason: "it is switched off" position: "p.yaml:2"
      tenant_source { text: "the default tenant" }
    }
    rows {
      throttle: "friends" reason: "the caller is exempt" position: "p.yaml:5"
      exemption { text: "{role: {in: [ops]}}" position: "p.yaml:7" }
      cost: 1 cost_source { text: "the request" }
      tenant: "acme" tenant_source { text: "the request" }
    }
    rows {
      throttle: "free" reason: "the cost is 0" position: "p.yaml:9"
      cost_source { text: "default" position: "p.yaml:11" }
    })"),
            "off  does not apply: it is switched off        p.yaml:2\n"
            "friends  does not apply: the caller is exempt  p.yaml:5\n"
            "  exemption  {role: {in: [ops]}}               p.yaml:7\n"
            "  cost       1     the request\n"
            "  tenant     acme  the request\n"
            "free  does not apply: the cost is 0            p.yaml:9\n"
            "  cost       0     default                     p.yaml:11\n");
}

TEST(ExplainTextTest, ALongLineDoesNotMoveTheOthers) {
  const std::string path(100, 'p');
  EXPECT_EQ(Explained(absl::StrCat(R"(
    rows {
      throttle: "a" reason: "a rule bypasses it" position: "p.yaml:2"
      rule { text: ")",
                                   path, R"(" position: "p.yaml:4" }
    })")),
            absl::StrCat("a  does not apply: a rule bypasses it  p.yaml:2\n"
                         "  rule  ",
                         path, "  p.yaml:4\n"));
}

TEST(ExplainTextTest, NobodysNameMovesTheCursor) {
  EXPECT_TRUE(absl::StartsWith(Explained(R"(rows { throttle: "a\033[2J" applies: true })"),
                               "a%1B[2J  applies\n"));
}

TEST(ExplainTextTest, ColoursTheVerdicts) {
  EXPECT_EQ(ExplainText(FromText(R"(
    rows { throttle: "a" applies: true position: "p.yaml:2" }
    rows { throttle: "b" reason: "x" })"),
                        true),
            "a  \x1b[32mapplies\x1b[0m            p.yaml:2\n"
            "b  \x1b[33mdoes not apply: x\x1b[0m\n");
}

TEST(ExplainTextTest, NoThrottlesIsALine) {
  EXPECT_EQ(Explained(""), "the configuration has no throttles\n");
}

}  // namespace
}  // namespace sluice::cli
