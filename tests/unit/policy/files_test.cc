// Policies in files: domains named by a configuration, and the examples under deploy/.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "policy/loader.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string TextOf(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<std::string> Strings(const PolicyResult& result) {
  std::vector<std::string> errors;
  for (const PolicyError& error : result.errors) errors.push_back(error.ToString());
  return errors;
}

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    std::string pattern = (fs::temp_directory_path() / "sluice-policy-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~FilesTest() override { fs::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }

  fs::path folder_;
};

TEST_F(FilesTest, NamesAreRelativeToTheConfiguration) {
  Write("parts/b.yaml", "domain: b\ndescriptors: []\n");
  Write("parts/a.yaml", "domain: a\ndescriptors: []\n");
  Write("parts/a.txt", "not: read\n");
  const std::string last = Write("elsewhere/c.yaml", "domain: c\n");
  const std::string path =
      Write("sluice.yaml", "domains: {files: [\"parts/*.yaml\", parts/a.yaml, " + last + "]}\n");
  const PolicyResult result = LoadPolicyFile(path, 3);
  ASSERT_THAT(Strings(result), IsEmpty());
  std::vector<std::string> names;
  for (const Domain& domain : result.policy->domains) names.push_back(domain.name());
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
  EXPECT_EQ(result.policy->source, path);
  EXPECT_EQ(result.policy->generation, 3U);
}

TEST_F(FilesTest, AFolderMayHaveAnyName) {
  Write("odd [x]*?\\/parts/a.yaml", "domain: a\n");
  const std::string path =
      Write("odd [x]*?\\/sluice.yaml", "domains: {files: [\"parts/*.yaml\", parts/a.yaml]}\n");
  const PolicyResult result = LoadPolicyFile(path, 1);
  ASSERT_THAT(Strings(result), IsEmpty());
  EXPECT_THAT(result.policy->domains, SizeIs(1));
}

TEST_F(FilesTest, ErrorsNameTheFileTheyAreIn) {
  const std::string broken = Write("broken.yaml", "domain: a\ndescriptors: [{value: x}]\n");
  const std::string path = Write("sluice.yaml", "domains: {files: [broken.yaml]}\nnope: 1\n");
  EXPECT_THAT(Strings(LoadPolicyFile(path, 1)),
              ElementsAre(HasSubstr(path + ":2:1: unknown key 'nope'"),
                          HasSubstr(broken + ":2:15: descriptor has empty key")));
}

TEST_F(FilesTest, WhatCannotBeReadIsSaid) {
  const std::string missing = (folder_ / "missing.yaml").string();
  EXPECT_THAT(Strings(LoadPolicyFile(missing, 1)),
              ElementsAre(missing + ":1:1: the file cannot be read: No such file or directory"));
  EXPECT_THAT(Strings(LoadPolicyFile(folder_.string(), 1)),
              ElementsAre(HasSubstr("a directory is not supported yet")));
}

TEST_F(FilesTest, TheHashIsOverAllFiles) {
  const std::string path = Write("sluice.yaml", "domains: {files: [a.yaml]}\n");
  Write("a.yaml", "domain: a\n");
  const PolicyResult before = LoadPolicyFile(path, 1);
  Write("a.yaml", "domain: a \n");
  const PolicyResult after = LoadPolicyFile(path, 2);
  ASSERT_TRUE(before.policy != nullptr && after.policy != nullptr);
  EXPECT_NE(before.policy->content_hash, after.policy->content_hash);
}

const fs::path& Examples() {
  static const auto& folder = *new fs::path(SLUICE_SOURCE_DIR "/deploy/examples");
  return folder;
}

TEST(ExamplesTest, EachLoads) {
  int loaded = 0;
  for (const auto& entry : fs::recursive_directory_iterator(Examples())) {
    // What is Envoy's own is no policy.
    if (entry.path().extension() != ".yaml" || entry.path().stem() == "envoy") continue;
    EXPECT_THAT(Strings(LoadPolicyFile(entry.path().string(), 1)), IsEmpty()) << entry.path();
    ++loaded;
  }
  EXPECT_GE(loaded, 3);
}

TEST(ExamplesTest, TheBuiltInOneIsTheQuickstart) {
  EXPECT_EQ(ExamplePolicy(), TextOf(Examples() / "quickstart.yaml"));
  const PolicyResult result = LoadPolicyText("built-in example", ExamplePolicy(), 1);
  ASSERT_THAT(Strings(result), IsEmpty());
  const Throttle* burst = result.policy->FindThrottle("api:burst");
  ASSERT_NE(burst, nullptr);
  EXPECT_EQ(burst->rate.ToString(), "60/h");
  EXPECT_EQ(burst->limit->strategy(), "token_bucket");
  EXPECT_EQ(burst->limit->most(), 40);
  ASSERT_NE(result.policy->FindThrottle("api:sustained"), nullptr);
  EXPECT_EQ(result.policy->FindThrottle("api:sustained")->rate.ToString(), "500/h");
  EXPECT_NE(result.policy->FindTenant("acme"), nullptr);
}

TEST(ExamplesTest, TheEdgeDomainMatchesAsItsCommentsSay) {
  const PolicyResult result = LoadPolicyFile((Examples() / "envoy/sluice.yaml").string(), 1);
  ASSERT_THAT(Strings(result), IsEmpty());
  const Domain* edge = result.policy->FindDomain("edge");
  ASSERT_NE(edge, nullptr);
  const auto path_of = [&](std::vector<DescriptorEntry> entries) {
    const DescriptorLimit* limit = edge->Match(entries).limit;
    return limit == nullptr ? "-" : limit->path;
  };
  EXPECT_EQ(path_of({{"remote_address", "203.0.113.7"}}), "remote_address");
  EXPECT_EQ(path_of({{"remote_address", "192.0.2.10"}}), "remote_address_192.0.2.10");
  EXPECT_EQ(path_of({{"path", "/login"}, {"remote_address", "203.0.113.7"}}),
            "path_/login.remote_address");
  EXPECT_EQ(path_of({{"path", "/api/v2/search"}}), "path_/api/v*/search");
  EXPECT_EQ(path_of({{"path", "/api/v2/other"}}), "path_/api/*");
  EXPECT_EQ(path_of({{"api_key", "k"}, {"method", "POST"}}), "api_key.method_POST");
  EXPECT_EQ(path_of({{"user_agent", "some bot 1.0"}}), "user_agent_*bot*");
}

}  // namespace
}  // namespace sluice
