#include "policy/loader.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/digest.h"
#include "policy/domain_file.h"
#include "policy/reader.h"
#include "policy/sections.h"

namespace sluice {
namespace {

using Dialect = FileReader::Dialect;

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  const auto failed = [](absl::string_view why) {
    return absl::NotFoundError(absl::StrCat("the file cannot be read: ", why));
  };
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return failed(std::strerror(errno));
  if (S_ISDIR(info.st_mode)) return failed("a directory is not supported yet");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return failed(std::strerror(errno));
  // One byte more than is allowed, so that a file that is too long is seen.
  std::string text(YamlDocument::kMaxBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return failed(std::strerror(errno));
  text.resize(static_cast<size_t>(stream.gcount()));
  return text;
}

// The folder that the files named in `path` are relative to: empty, or with a `/` behind it.
std::string FolderOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? "" : std::string(path.substr(0, slash + 1));
}

// Sorted. What is special to glob in `folder` stands for itself.
std::vector<std::string> Expand(const std::string& folder, const std::string& pattern) {
  std::string full;
  if (!absl::StartsWith(pattern, "/")) {
    for (char c : folder) {
      if (absl::string_view("*?[\\").find(c) != absl::string_view::npos) full += '\\';
      full += c;
    }
  }
  full += pattern;
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(full.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

// Loads one policy from as many files as it names.
class Loader {
 public:
  // `folder` is what the files named in it are relative to.
  explicit Loader(std::string folder) : folder_(std::move(folder)) {}

  PolicyResult Load(const std::string& name, const absl::StatusOr<std::string>& text,
                    uint64_t generation) {
    policy_.generation = generation;
    policy_.source = name;
    ReadMain(name, text);
    PolicyResult result;
    for (const FileReader& file : files_) {
      for (PolicyError& error : file.Errors()) result.errors.push_back(std::move(error));
    }
    if (!result.errors.empty()) return result;
    policy_.content_hash = absl::BytesToHexString(Sha256(digests_));
    policy_.Index();
    for (const Throttle& throttle : policy_.throttles) {
      const std::string warning = throttle.limit.has_value() ? throttle.limit->warning() : "";
      if (warning.empty()) continue;
      result.warnings.push_back({throttle.position, absl::StrCat("warning: ", warning), ""});
    }
    result.policy = std::make_shared<const PolicySet>(std::move(policy_));
    return result;
  }

 private:
  void ReadMain(const std::string& name, const absl::StatusOr<std::string>& text) {
    if (!text.ok()) return RefuseFile(name, text.status());
    const YamlDocument document(*text);
    const YamlNode* root = document.root();
    const bool domain = root != nullptr && LooksLikeDomainFile(*root);
    FileReader& file = Open(name, *text, document, domain ? Dialect::kEnvoy : Dialect::kSluice);
    if (root == nullptr) return;
    if (domain) {
      const YamlNode nothing;
      ReadConfiguration(file, nothing);
      AddDomain(file, *root);
    } else {
      ReadConfiguration(file, *root);
    }
  }

  FileReader& Open(const std::string& name, absl::string_view text, const YamlDocument& document,
                   Dialect dialect) {
    digests_ += Sha256(text);
    FileReader& file = files_.emplace_back(name, dialect);
    for (const YamlProblem& problem : document.problems()) {
      file.Refuse(problem.line, problem.column, problem.what, problem.hint);
    }
    return file;
  }

  void RefuseFile(const std::string& name, const absl::Status& status) {
    files_.emplace_back(name, Dialect::kSluice).Refuse(1, 1, std::string(status.message()));
  }

  void ReadConfiguration(FileReader& file, const YamlNode& root) {
    MapReader map(file, {"the configuration", &root}, "the configuration");
    policy_.name_space = file.Name(map.Find("namespace")).value_or("");
    policy_.server = ReadServer(file, map.Find("server"));
    const Field backends = map.Find("backends");
    policy_.backends = ReadBackends(file, backends);
    Tenant standard;
    standard.name_space = policy_.name_space;
    standard.backend = ReadDefaultBackend(file, map.Find("default_backend"), backends);
    policy_.tenants = ReadTenants(file, map.Find("tenants"), standard, policy_.backends);
    policy_.throttles = ReadThrottles(file, map.Find("throttles"), map.Find("defaults"));
    policy_.domains_backend = standard.backend;
    ReadDomains(file, map.Find("domains"));
    map.NotYet({"tenant", "metrics", "client_ip", "log"});
    map.Finish();
  }

  size_t ReadDefaultBackend(FileReader& file, Field field, Field backends) {
    if (!field && policy_.backends.size() > 1) {
      file.Refuse(*backends.node, "'default_backend' is missing, and there are several backends",
                  "name the one for tenants without their own");
    }
    return ReadBackendName(file, field, policy_.backends).value_or(0);
  }

  void ReadDomains(FileReader& file, Field section) {
    MapReader map(file, section, "domains");
    policy_.domains_backend = ReadBackendName(file, map.Find("backend"), policy_.backends)
                                  .value_or(policy_.domains_backend);
    for (const Field& item : file.Items(map.Find("files"))) {
      const absl::optional<std::string> pattern = file.Text(item);
      if (!pattern.has_value()) continue;
      const std::vector<std::string> paths = Expand(folder_, *pattern);
      if (paths.empty()) {
        file.Refuse(*item.node, absl::StrCat("no file matches ", Found(*item.node)),
                    "names are relative to the folder of this file");
      }
      for (const std::string& path : paths) {
        // Two patterns may both match a file.
        if (paths_.insert(path).second) AddDomainFile(path);
      }
    }
    map.NotYet({"tenant", "strategy", "compat", "unmatched", "descriptor_addend", "on_error",
                "headers", "merge"});
    map.Finish();
  }

  void AddDomainFile(const std::string& path) {
    const absl::StatusOr<std::string> text = ReadWhole(path);
    if (!text.ok()) return RefuseFile(path, text.status());
    const YamlDocument document(*text);
    FileReader& file = Open(path, *text, document, Dialect::kEnvoy);
    if (document.root() != nullptr) AddDomain(file, *document.root());
  }

  void AddDomain(FileReader& file, const YamlNode& root) {
    absl::optional<Domain> domain = ReadDomainFile(file, root);
    if (!domain.has_value()) return;
    const auto [first, fresh] = domain_files_.try_emplace(domain->name(), file.file());
    if (!fresh) {
      file.Refuse(*root.Find("domain"),
                  absl::StrCat("duplicate domain '", domain->name(), "' in config file"),
                  absl::StrCat("it is also in ", first->second));
    }
    policy_.domains.push_back(*std::move(domain));
  }

  const std::string folder_;
  PolicySet policy_;
  std::deque<FileReader> files_;  // in the order in which they were opened
  std::string digests_;           // of the files' contents
  absl::flat_hash_set<std::string> paths_;
  absl::flat_hash_map<std::string, std::string> domain_files_;
};

}  // namespace

PolicyResult LoadPolicyFile(const std::string& path, uint64_t generation) {
  return Loader(FolderOf(path)).Load(path, ReadWhole(path), generation);
}

PolicyResult LoadPolicyText(const std::string& name, absl::string_view text, uint64_t generation) {
  return Loader("").Load(name, std::string(text), generation);
}

}  // namespace sluice
