#include "policy/yaml_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "policy/loader.h"
#include "policy/yaml.h"
#include "tests/fakes/temp_folder.h"

namespace sluice {
namespace {

using Kind = YamlNode::Kind;
using testing::HasSubstr;
using testing::Not;

absl::optional<std::string> AsItIs(const YamlNode&) { return absl::nullopt; }

std::string Write(const YamlNode& root) { return WriteYaml(root, AsItIs); }

std::string Rewritten(absl::string_view text) {
  const YamlDocument document(text);
  EXPECT_TRUE(document.problems().empty()) << text;
  return document.root() == nullptr ? "" : Write(*document.root());
}

// The tree as text of the test's own.
std::string Shape(const YamlNode& node) {
  std::string shape;
  switch (node.kind) {
    case Kind::kNull:
      return "~";
    case Kind::kScalar:
      return absl::StrCat("'", node.text.size(), ":", node.text, "'");
    case Kind::kList:
      for (const YamlNode* item : node.items) absl::StrAppend(&shape, Shape(*item), ",");
      return absl::StrCat("[", shape, "]");
    case Kind::kMap:
      break;
  }
  for (const YamlNode::Entry& entry : node.entries) {
    absl::StrAppend(&shape, Shape(*entry.key), ":", Shape(*entry.value), ",");
  }
  return absl::StrCat("{", shape, "}");
}

TEST(YamlWriterTest, WritesBlocks) {
  EXPECT_EQ(Rewritten("{a: 1, b: [x, {c: d, e: []}, [y, z]], f: {}, g: ~, h: {i: {j: k l}}}"),
            "a: 1\n"
            "b:\n"
            "  - x\n"
            "  - c: d\n"
            "    e: []\n"
            "  - - y\n"
            "    - z\n"
            "f: {}\n"
            "g: null\n"
            "h:\n"
            "  i:\n"
            "    j: k l\n");
}

TEST(YamlWriterTest, WritesOutAliasesAndMerges) {
  EXPECT_EQ(Rewritten("base: &b {x: 1}\nmore: {<<: *b, y: 2}\nsame: *b\n"),
            "base:\n  x: 1\nmore:\n  y: 2\n  x: 1\nsame:\n  x: 1\n");
}

TEST(YamlWriterTest, TextThatLooksLikeSomethingElseKeepsItsQuotes) {
  for (const char* text : {"'1'",     "\"true\"",   "'null'",     "'~'",
                           "''",      "'a: b'",     "'- a'",      "'#'",
                           "'a #b'",  "\"a\\nb\"",  "' a'",       "'a '",
                           "'*a'",    "'&a'",       "'!a'",       "'{}'",
                           "'---'",   "'...'",      "'%a'",       "'a:'",
                           "'<<'",    "'\"'",       "\"\\\\\"",   "\"\\0\"",
                           "\"\\t\"", "\"\\r\\n\"", "'\xC3\xA9'", "\"\\u2028\\x85\\uFEFF\"",
                           "'?'",     "'? a'",      "'@a'",       "'`a'",
                           "'|'",     "'>'",        "','"}) {
    for (const std::string& document : {absl::StrCat("[", text, "]"), absl::StrCat(text, ": 1"),
                                        absl::StrCat("a: ", text), std::string(text)}) {
      const YamlDocument before(document);
      ASSERT_NE(before.root(), nullptr) << document;
      const std::string written = Write(*before.root());
      EXPECT_THAT(written, HasSubstr("\"")) << document;
      const YamlDocument after(written);
      ASSERT_NE(after.root(), nullptr) << written;
      EXPECT_EQ(Shape(*after.root()), Shape(*before.root())) << written;
    }
  }
}

TEST(YamlWriterTest, NumbersStayPlain) {
  EXPECT_EQ(Rewritten("[1, true, 20/min, 0.0.0.0:80, /api/v1, 10s]"),
            "- 1\n- true\n- 20/min\n- 0.0.0.0:80\n- /api/v1\n- 10s\n");
}

TEST(YamlWriterTest, KeysMayBeLongOrNoWords) {
  for (const std::string& document :
       {absl::StrCat("a:\n  ? ", std::string(2000, 'k'), "\n  : v\n"),
        std::string("a: {[b, c]: {d: e}}"), std::string("? {a: b}\n: [c]\n"),
        std::string("[{~: 1}]"), absl::StrCat("- ", std::string(2000, 'k'), "\n")}) {
    const YamlDocument before(document);
    ASSERT_NE(before.root(), nullptr) << document;
    const YamlDocument after(Write(*before.root()));
    ASSERT_NE(after.root(), nullptr) << Write(*before.root());
    EXPECT_EQ(Shape(*after.root()), Shape(*before.root()));
  }
}

TEST(YamlWriterTest, CutsWhatIsTooLong) {
  std::string bomb = "a: &a [" + std::string(1000, 'x') + "]\n";
  absl::StrAppend(&bomb, "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n");
  absl::StrAppend(&bomb, "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n");
  absl::StrAppend(&bomb, "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n");
  const std::string written = Rewritten(bomb + "e: [*d, *d, *d]\n");
  EXPECT_LE(written.size(), kMaxYamlBytes + 100);
  EXPECT_GT(written.size(), kMaxYamlBytes - 3000);
  EXPECT_TRUE(absl::EndsWith(written, "\n# cut here: the whole is longer than 1048576 bytes\n"));
  EXPECT_NE(YamlDocument(written).root(), nullptr);
}

// Scalars that YAML could take for something else, and any text.
rc::Gen<std::string> Texts() {
  return rc::gen::oneOf(
      rc::gen::elementOf(std::vector<std::string>{
          "",   "1",      "1.5", "0x1f", "true",        "No",           "null", "~",
          "<<", "a: b",   "- a", "#",    "a\nb",        "\n",           " ",    "\t",
          "'",  "\"",     "\\",  "${A}", "caf\xC3\xA9", "\xE2\x80\xA8", "{x}",  "[",
          "*a", "20/min", "::",  "-",    "?",           "---"}),
      rc::gen::container<std::string>(
          rc::gen::elementOf(std::string("ab1 \n\t:-?[]{},&*!|>'\"%@`#<~.\\\x01"))));
}

class RandomTree {
 public:
  const YamlNode& Node(int depth) {
    YamlNode& node = nodes_.emplace_back();
    const int kind = *rc::gen::inRange(0, depth > 3 ? 2 : 6);
    if (kind == 0) return node;
    if (kind == 1) {
      node.kind = Kind::kScalar;
      node.text = *Texts();
      // Not what a parser would call plain, so that the writer must see it by itself.
      node.plain = *rc::gen::arbitrary<bool>() && !IsNull(node.text);
      return node;
    }
    node.kind = kind < 4 ? Kind::kList : Kind::kMap;
    std::map<std::string, const YamlNode*> keys;
    const int size = *rc::gen::inRange(0, 4);
    for (int i = 0; i < size; ++i) {
      if (node.kind == Kind::kList) {
        node.items.push_back(&Node(depth + 1));
        continue;
      }
      YamlNode& key = nodes_.emplace_back();
      key.kind = Kind::kScalar;
      key.text = *Texts();
      if (!keys.try_emplace(key.text, &key).second) continue;
      node.entries.push_back({&key, &Node(depth + 1)});
    }
    return node;
  }

 private:
  // What has no quotes and is read as nothing is never plain text.
  static bool IsNull(const std::string& text) { return text == "null" || text == "~"; }

  std::deque<YamlNode> nodes_;
};

RC_GTEST_PROP(YamlWriterPropertyTest, IsReadAsTheTreeThatWasWritten, ()) {
  RandomTree tree;
  const YamlNode& before = tree.Node(0);
  const std::string text = Write(before);
  const YamlDocument after(text);
  if (before.kind == Kind::kNull) return;  // no document
  RC_LOG() << text;
  RC_ASSERT(after.problems().empty());
  RC_ASSERT(after.root() != nullptr);
  RC_ASSERT(Shape(*after.root()) == Shape(before));
}

std::string Effective(const std::string& text) {
  const PolicyResult result = LoadPolicyText(
      "test.yaml", text, 1, {[](absl::string_view name) {
        return absl::make_optional<std::string>(name == "RATE" ? "10/s" : "the value");
      }});
  for (const PolicyError& error : result.errors) ADD_FAILURE() << error.ToString();
  return result.policy == nullptr ? "" : result.policy->yaml;
}

TEST(EffectivePolicyTest, HasTheDefaultsInEachThrottle) {
  EXPECT_EQ(Effective("# A comment.\n"
                      "defaults: &d {rate: 1/s, shadow: true, headers: {when: denied}}\n"
                      "namespace: x\n"
                      "throttles:\n"
                      "  - {uid: a}\n"
                      "  - {<<: *d, uid: b, rate: 2/s}\n"),
            "namespace: x\n"
            "throttles:\n"
            "  - uid: a\n"
            "    rate: 1/s\n"
            "    shadow: true\n"
            "    headers:\n"
            "      when: denied\n"
            "  - uid: b\n"
            "    rate: 2/s\n"
            "    shadow: true\n"
            "    headers:\n"
            "      when: denied\n");
}

TEST(EffectivePolicyTest, ShowsReferencesInsteadOfValues) {
  EXPECT_EQ(Effective("namespace: \"${NAME}\"\n"
                      "throttles: [{uid: \"${UID:-secret}\", rate: \"${RATE}\"}]\n"),
            "namespace: \"${NAME}\"\n"
            "throttles:\n"
            "  - uid: \"${UID:-***}\"\n"
            "    rate: \"${RATE}\"\n");
}

TEST(EffectivePolicyTest, LoadsAsThePolicyThatItShows) {
  const std::string text(ExamplePolicy());
  const PolicyResult again = LoadPolicyText("again.yaml", Effective(text), 1);
  ASSERT_NE(again.policy, nullptr);
  EXPECT_EQ(again.policy->throttles.size(), LoadPolicyText("", text, 1).policy->throttles.size());
  EXPECT_EQ(again.policy->yaml, Effective(text));
}

TEST(EffectivePolicyTest, IsThatOfAllFiles) {
  const TempFolder folder;
  folder.Write("a.yaml", "throttles: [{uid: a, rate: 1/s}]\ndomains: {files: [\"x/*\"]}\n");
  folder.Write("b.yaml", "throttles: [{uid: b, rate: 1/s}]\ndefaults: {cost: 2}\n");
  folder.Write("edge.yaml", "domain: edge\n");
  folder.Write("x/inner.yaml", "domain: inner\n");
  const PolicyResult result = LoadPolicyFile(folder.path().string(), 1);
  ASSERT_NE(result.policy, nullptr);
  EXPECT_EQ(result.policy->yaml, absl::StrCat("throttles:\n"
                                              "  - uid: a\n"
                                              "    rate: 1/s\n"
                                              "    cost: 2\n"
                                              "  - uid: b\n"
                                              "    rate: 1/s\n"
                                              "    cost: 2\n"
                                              "domains:\n"
                                              "  files:\n"
                                              "    - \"x/*\"\n"
                                              "    - ",
                                              folder / "edge.yaml", "\n"));
}

TEST(EffectivePolicyTest, ADomainAloneIsNamed) {
  EXPECT_EQ(Effective("domain: edge\n"), "domains:\n  files:\n    - test.yaml\n");
  EXPECT_EQ(Effective("throttles: []\n"), "throttles: []\n");
}

}  // namespace
}  // namespace sluice
