// Policies in files: domains named by a configuration, and the examples under deploy/.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "policy/loader.h"
#include "tests/fakes/temp_folder.h"

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
  std::string Write(const std::string& name, const std::string& text) {
    return folder_.Write(name, text);
  }
  PolicyResult LoadFolder() { return LoadPolicyFile(folder_.path().string(), 1); }

  const TempFolder folder_;
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
  const std::string missing = folder_ / "missing.yaml";
  EXPECT_THAT(Strings(LoadPolicyFile(missing, 1)),
              ElementsAre(missing + ":1:1: the file cannot be read: No such file or directory"));
  EXPECT_THAT(Strings(LoadPolicyFile(Write("s.yaml", "domains: {files: [\"../*\"]}\n"), 1)),
              testing::Contains(HasSubstr("the file cannot be read: it is a folder")));
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

TEST_F(FilesTest, AFolderIsOneConfiguration) {
  Write("b.yaml",
        "tenants: {globex: {backend: local}}\n"
        "throttles: [{uid: b, rate: 2/s}]\n"
        "domains: {files: [\"e*.yaml\", \"parts/*\"]}\n");
  Write("a.yml",
        "backends: {local: {type: memory}}\n"
        "tenants: {acme: {}}\n"
        "throttles: [{uid: a, rate: 1/s}, {uid: z, rate: 1/s}]\n");
  Write("c.json", R"({"namespace": "joined", "defaults": {"shadow": true}})");
  Write("edge.yaml", "domain: edge\n");
  Write("parts/inner", "domain: inner\n");
  Write(".hidden.yaml", "not: read\n");
  Write("notes.txt", "not: read\n");
  Write("below.yaml/other.yaml", "not: read\n");
  for (const std::string& path : {folder_.path().string(), folder_.path().string() + "/"}) {
    const PolicyResult result = LoadPolicyFile(path, 1);
    ASSERT_THAT(Strings(result), IsEmpty());
    EXPECT_EQ(result.policy->source, path);
    EXPECT_EQ(result.policy->name_space, "joined");
    std::vector<std::string> uids;
    for (const Throttle& throttle : result.policy->throttles) uids.push_back(throttle.uid);
    EXPECT_THAT(uids, ElementsAre("a", "z", "b"));
    EXPECT_TRUE(result.policy->FindThrottle("b")->shadow);
    EXPECT_EQ(result.policy->FindThrottle("b")->position.file, folder_ / "b.yaml");
    EXPECT_NE(result.policy->FindTenant("acme"), nullptr);
    EXPECT_NE(result.policy->FindTenant("globex"), nullptr);
    EXPECT_NE(result.policy->FindDomain("edge"), nullptr);
    EXPECT_NE(result.policy->FindDomain("inner"), nullptr);
    EXPECT_THAT(result.policy->domains, SizeIs(2));
  }
}

TEST_F(FilesTest, AFolderOfDomainsIsEnough) {
  Write("edge.yaml", "domain: edge\n");
  const PolicyResult result = LoadFolder();
  ASSERT_THAT(Strings(result), IsEmpty());
  EXPECT_NE(result.policy->FindDomain("edge"), nullptr);
}

TEST_F(FilesTest, AnEmptyFolderIsRefused) {
  Write("readme.txt", "nothing");
  EXPECT_THAT(Strings(LoadFolder()),
              ElementsAre(folder_.path().string() +
                          ":1:1: the folder has no configuration (files named *.yaml, *.yml or "
                          "*.json)"));
}

TEST_F(FilesTest, FilesAreBoundedInNumberAndSize) {
  const std::string bound = "a configuration has at most 1000 files and 67108864 bytes in all";
  const std::string large = Write("large", std::string(8 << 20, '#'));
  PolicyInputs inputs;
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(inputs.Read(large, 8 << 20).ok());
  EXPECT_EQ(inputs.Read(large, 8 << 20).status().message(), bound);
  EXPECT_EQ(inputs.Read(large, (8 << 20) - 1).status().message(),
            "the file is larger than 8388607 bytes");
  EXPECT_EQ(inputs.PresentFingerprint(), inputs.fingerprint());

  for (int i = 0; i < 1000; ++i) Write("small" + std::to_string(i) + ".yaml", "throttles: []\n");
  EXPECT_THAT(Strings(LoadFolder()), IsEmpty());
  Write("more.yaml", "throttles: []\n");
  EXPECT_THAT(Strings(LoadFolder()), ElementsAre(folder_.path().string() + ":1:1: " + bound));
}

TEST_F(FilesTest, WhatWasReadCanBeAskedAgain) {
  const std::string path = Write("sluice.yaml", "domains: {files: [\"parts/*.yaml\"]}\n");
  Write("parts/a.yaml", "domain: a\n");
  PolicyInputs inputs = LoadPolicyFile(path, 1).inputs;
  EXPECT_THAT(inputs.Folders(), ElementsAre(folder_ / "", folder_ / "parts/"));
  const auto changed = [&] {
    const bool differs = inputs.PresentFingerprint() != inputs.fingerprint();
    inputs = LoadPolicyFile(path, 1).inputs;
    EXPECT_EQ(inputs.PresentFingerprint(), inputs.fingerprint());
    return differs;
  };
  EXPECT_FALSE(changed());
  Write("parts/a.yaml", "domain: a\n");
  Write("parts/a.txt", "domain: a\n");
  EXPECT_FALSE(changed());
  Write("parts/a.yaml", "domain: b\n");
  EXPECT_TRUE(changed());
  Write("parts/b.yaml", "domain: c\n");
  EXPECT_TRUE(changed());
  fs::remove(folder_ / "parts/b.yaml");
  EXPECT_TRUE(changed());
  Write("sluice.yaml", "");  // an error, and so is what follows
  EXPECT_TRUE(changed());
  fs::remove(path);
  EXPECT_TRUE(changed());
  Write("target.yaml", "namespace: one\n");
  fs::create_symlink("target.yaml", path);
  EXPECT_TRUE(changed());
  Write("target.yaml", "namespace: two\n");
  EXPECT_TRUE(changed());
}

TEST_F(FilesTest, AFolderIsAskedAgainForItsFiles) {
  Write("a.yaml", "namespace: one\n");
  const PolicyInputs inputs = LoadFolder().inputs;
  EXPECT_THAT(inputs.Folders(), testing::Contains(folder_.path().string()));
  EXPECT_EQ(inputs.PresentFingerprint(), inputs.fingerprint());
  Write("b.txt", "");
  EXPECT_EQ(inputs.PresentFingerprint(), inputs.fingerprint());
  Write("b.yml", "throttles: []\n");
  EXPECT_NE(inputs.PresentFingerprint(), inputs.fingerprint());
}

const fs::path& Examples() {
  static const auto& folder = *new fs::path(SLUICE_SOURCE_DIR "/deploy/examples");
  return folder;
}

TEST(ExamplesTest, EachLoads) {
  LoadOptions options;
  options.environment = [](absl::string_view name) {
    return name == "ADMIN_TOKEN" ? absl::make_optional<std::string>("t0ken") : absl::nullopt;
  };
  int loaded = 0;
  for (const auto& entry : fs::recursive_directory_iterator(Examples())) {
    // What Envoy, compose and Kubernetes read is no policy.
    const fs::path& path = entry.path();
    if (path.extension() != ".yaml" || path.stem() == "envoy" || path.stem() == "compose" ||
        path.parent_path().filename() == "redis-cluster") {
      continue;
    }
    EXPECT_THAT(Strings(LoadPolicyFile(entry.path().string(), 1, options)), IsEmpty())
        << entry.path();
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
  EXPECT_EQ(burst->rate.otherwise.rate.ToString(), "60/h");
  EXPECT_EQ(burst->rate.otherwise.limit->strategy(), "token_bucket");
  EXPECT_EQ(burst->rate.otherwise.limit->most(), 40);
  ASSERT_NE(result.policy->FindThrottle("api:sustained"), nullptr);
  EXPECT_EQ(result.policy->FindThrottle("api:sustained")->rate.otherwise.rate.ToString(), "500/h");
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
