// The table of keys, and what is written from it: CONFIGURATION.md between its markers, and the
// schema for editors. SLUICE_UPDATE_GOLDENS=1 in the environment writes both anew.
#include "policy/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "policy/reader.h"
#include "policy/schema.h"

namespace sluice {
namespace {

std::string FileText(const std::string& name) {
  std::ifstream stream(absl::StrCat(SLUICE_SOURCE_DIR, "/", name));
  EXPECT_TRUE(stream) << name;
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void ExpectFile(const std::string& name, const std::string& text) {
  if (std::getenv("SLUICE_UPDATE_GOLDENS") != nullptr) {
    std::ofstream(absl::StrCat(SLUICE_SOURCE_DIR, "/", name)) << text;
  }
  EXPECT_EQ(FileText(name), text) << "run with SLUICE_UPDATE_GOLDENS=1";
}

// A cell of a table in Markdown.
std::string Cell(absl::string_view text) { return absl::StrReplaceAll(text, {{"|", "\\|"}}); }

// `{a throttle}` becomes a link to it, `{one|another}` one to each.
std::string TypeCell(absl::string_view type) {
  std::string cell;
  while (true) {
    const size_t open = type.find('{');
    absl::StrAppend(&cell, type.substr(0, open));
    if (open == absl::string_view::npos) return cell;
    const size_t close = type.find('}');
    absl::string_view between;
    for (const absl::string_view section :
         absl::StrSplit(type.substr(open + 1, close - open - 1), '|')) {
      absl::StrAppend(&cell, between, "[", section, "](#", SectionWord(section), ")");
      between = " or ";
    }
    type.remove_prefix(close + 1);
  }
}

std::string Table(const ConfigSection& section) {
  std::string table = absl::StrCat("<a id=\"", SectionWord(section.name), "\"></a>\n\n",
                                   "| key | type | default | example | meaning |\n",
                                   "| --- | --- | --- | --- | --- |\n");
  for (const ConfigKey& key : section.keys) {
    absl::StrAppend(&table, "| `", key.key, "` | ", TypeCell(key.type), " | ",
                    key.required() ? "**required**" : Cell(key.standard), " | `", Cell(key.example),
                    "` | ", Cell(key.doc), " |\n");
  }
  return table;
}

// `page` with the tables between their markers replaced.
std::string WithTables(const std::string& page) {
  std::string text;
  std::set<std::string> seen;
  bool within = false;
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    if (line == "<!-- end -->") within = false;
    if (!within) absl::StrAppend(&text, line, "\n");
    if (!absl::StartsWith(line, "<!-- keys of ")) continue;
    within = true;
    const std::string name(line.substr(13, line.size() - 13 - 4));
    EXPECT_TRUE(seen.insert(name).second) << name << " stands there twice";
    absl::StrAppend(&text, Table(ConfigSectionOf(name)));
  }
  EXPECT_FALSE(within) << "the last '<!-- end -->' is missing";
  for (const ConfigSection& section : ConfigSections()) {
    EXPECT_TRUE(seen.count(std::string(section.name)) > 0) << section.name << " is missing";
  }
  text.pop_back();
  return text;
}

TEST(ConfigKeysTest, AreAllInTheManual) {
  ExpectFile("CONFIGURATION.md", WithTables(FileText("CONFIGURATION.md")));
}

TEST(ConfigKeysTest, AreTheSchema) { ExpectFile("deploy/sluice.schema.json", JsonSchema()); }

TEST(ConfigKeysTest, AreEachThereOnce) {
  for (const ConfigSection& section : ConfigSections()) {
    std::set<absl::string_view> keys;
    for (const ConfigKey& key : section.keys) {
      EXPECT_TRUE(keys.insert(key.key).second) << section.name << " " << key.key;
      EXPECT_EQ(section.Find(key.key), &key);
      EXPECT_NE(key.doc, "") << key.key;
      EXPECT_FALSE(absl::EndsWith(key.doc, ".")) << key.doc;
    }
    EXPECT_EQ(&ConfigSectionOf(section.name), &section);
    EXPECT_EQ(section.Find("nowhere"), nullptr);
  }
}

class StrayReaderTest : public testing::Test {
 protected:
  StrayReaderTest() { node_.kind = YamlNode::Kind::kMap; }

  YamlNode node_;
  Outside outside_;
  FileReader file_{"test.yaml", FileReader::Dialect::kSluice, outside_};
};

using StrayReaderDeathTest = StrayReaderTest;

TEST_F(StrayReaderDeathTest, AsksForAKeyThatTheTableLacks) {
  MapReader map(file_, {"path", &node_}, "a path");
  EXPECT_DEATH(map.Find("glob"), "policy/keys.cc lacks the key 'glob' of a path");
}

TEST_F(StrayReaderDeathTest, LeavesAKeyOut) {
  MapReader map(file_, {"path", &node_}, "a path");
  EXPECT_DEATH(map.Finish(),
               "policy/keys.cc has, and no reader asks for, the key 'regex' of a path");
}

TEST_F(StrayReaderDeathTest, ReadsASectionThatIsNone) {
  EXPECT_DEATH(MapReader(file_, {"path", &node_}, "a road"), "has no section 'a road'");
}

}  // namespace
}  // namespace sluice
