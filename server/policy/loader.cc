#include "policy/loader.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/digest.h"
#include "policy/domain_file.h"
#include "policy/effective.h"
#include "policy/join.h"
#include "policy/reader.h"
#include "policy/sections.h"

namespace sluice {
namespace {

using Dialect = FileReader::Dialect;

// Loads one policy from as many files as it names.
class Loader {
 public:
  // `folder` is what the files named in it are relative to.
  Loader(std::string folder, const LoadOptions& options) : backend_(options.backend) {
    outside_.environment = options.environment;
    outside_.folder = std::move(folder);
    outside_.files = options.files;
  }

  PolicyResult LoadFile(const std::string& path, uint64_t generation) {
    AddDocument(path, outside_.inputs.Read(path, YamlDocument::kMaxBytes));
    return Load(path, generation);
  }

  PolicyResult LoadFolder(const std::string& path, uint64_t generation) {
    const auto files = outside_.inputs.List(path);
    if (!files.ok()) {
      RefuseFile(path, files.status());
    } else if (files->empty()) {
      RefuseFile(path, absl::NotFoundError("the folder has no configuration"),
                 "files named *.yaml, *.yml or *.json");
    } else {
      // Before any of them is read, because the patterns of one may match the others.
      paths_.insert(files->begin(), files->end());
      for (const std::string& file : *files) {
        AddDocument(file, outside_.inputs.Read(file, YamlDocument::kMaxBytes));
      }
    }
    return Load(path, generation);
  }

  PolicyResult LoadText(const std::string& name, absl::string_view text, uint64_t generation) {
    AddDocument(name, std::string(text));
    return Load(name, generation);
  }

 private:
  // What the documents that were added come to.
  PolicyResult Load(const std::string& name, uint64_t generation) {
    policy_.generation = generation;
    policy_.source = name;
    PolicyResult result;
    // What is said of a part, without the others, could be wrong.
    const YamlNode* root = unread_ ? nullptr : &ReadJoined(name);
    result.errors = Errors();
    if (result.errors.empty()) {
      policy_.yaml = EffectiveYaml(*root, shown_domains_, outside_);
      Finish(result);
    }
    result.inputs = std::move(outside_.inputs);
    return result;
  }

  std::vector<PolicyError> Errors() const {
    std::vector<PolicyError> errors;
    for (const FileReader& file : files_) {
      for (PolicyError& error : file.Errors()) errors.push_back(std::move(error));
    }
    const auto place = [this](const PolicyError& error) {
      const auto rank = ranks_.find(error.position.file);
      return std::make_pair(rank == ranks_.end() ? ranks_.size() : rank->second,
                            error.position.line);
    };
    std::stable_sort(errors.begin(), errors.end(), [&](const PolicyError& a, const PolicyError& b) {
      return place(a) < place(b);
    });
    return errors;
  }

  void Finish(PolicyResult& result) {
    policy_.content_hash = absl::BytesToHexString(Sha256(outside_.digests));
    policy_.Index();
    for (const Throttle& throttle : policy_.throttles) {
      const absl::optional<Limit>& limit = throttle.rate.otherwise.limit;
      const std::string warning = limit.has_value() ? limit->warning() : "";
      if (warning.empty()) continue;
      result.warnings.push_back({throttle.position, absl::StrCat("warning: ", warning), ""});
    }
    result.policy = std::make_shared<const PolicySet>(std::move(policy_));
  }

  // Takes a file of the configuration, which may be a domain instead.
  void AddDocument(const std::string& name, const absl::StatusOr<std::string>& text) {
    if (!text.ok()) return RefuseFile(name, text.status());
    const YamlDocument& document = documents_.emplace_back(*text, name);
    const YamlNode* root = document.root();
    const bool domain = root != nullptr && LooksLikeDomainFile(*root);
    FileReader& file = Open(*text, document, domain ? Dialect::kEnvoy : Dialect::kSluice);
    if (domain) {
      AddDomain(file, *root);
      shown_domains_.push_back(name);
    } else if (root != nullptr) {
      roots_.push_back(root);
    } else {
      unread_ = true;
    }
  }

  const YamlNode& ReadJoined(const std::string& name) {
    FileReader& reader = NewReader(name, Dialect::kSluice);
    const YamlNode& root = roots_.empty()       ? nodes_.emplace_back()
                           : roots_.size() == 1 ? *roots_.front()
                                                : Join(reader, roots_, nodes_);
    ReadConfiguration(reader, root);
    return root;
  }

  FileReader& NewReader(const std::string& name, Dialect dialect) {
    ranks_.try_emplace(name, ranks_.size());
    return files_.emplace_back(name, dialect, outside_);
  }

  FileReader& Open(absl::string_view text, const YamlDocument& document, Dialect dialect) {
    outside_.digests += Sha256(text);
    FileReader& file = NewReader(document.name(), dialect);
    for (const YamlProblem& problem : document.problems()) {
      file.Refuse(problem.line, problem.column, problem.what, problem.hint);
    }
    return file;
  }

  void RefuseFile(const std::string& name, const absl::Status& status, std::string hint = "") {
    NewReader(name, Dialect::kSluice).Refuse(1, 1, std::string(status.message()), std::move(hint));
    unread_ = true;
  }

  void ReadConfiguration(FileReader& file, const YamlNode& root) {
    MapReader map(file, {"the configuration", &root}, "the configuration");
    policy_.name_space = file.Name(map.Find("namespace")).value_or("");
    policy_.server = ReadServer(file, map.Find("server"));
    const Field backends = map.Find("backends");
    policy_.backends = ReadBackends(file, backends, backend_);
    Tenant standard;
    standard.name_space = policy_.name_space;
    standard.backend = ReadDefaultBackend(file, map.Find("default_backend"), backends);
    policy_.tenants = ReadTenants(file, map.Find("tenants"), standard, policy_.backends);
    policy_.client_ip = ReadClientIp(file, map.Find("client_ip"));
    policy_.tenant = ReadTenantTemplate(file, map.Find("tenant"));
    policy_.throttles =
        ReadThrottles(file, map.Find("throttles"), map.Find("defaults"), policy_.backends);
    policy_.domains_backend = standard.backend;
    ReadDomains(file, map.Find("domains"));
    policy_.log = ReadLog(file, map.Find("log"));
    map.NotYet({"metrics"});
    map.Finish();
  }

  size_t ReadDefaultBackend(FileReader& file, Field field, Field backends) {
    if (!field && policy_.backends.size() > 1) {
      file.Refuse(*backends.node, "'default_backend' is missing, and there are several backends",
                  "name the one for tenants without their own");
    }
    return ReadBackendName(file, field, policy_.backends).value_or(0);
  }

  absl::optional<IdentifierTemplate> ReadTenantTemplate(FileReader& file, Field field) {
    const absl::optional<std::string> text = file.Text(field);
    if (!text.has_value()) return absl::nullopt;
    absl::StatusOr<IdentifierTemplate> tenant = IdentifierTemplate::Parse(*text);
    policy_.tenant_position = file.At(*field.node);
    if (tenant.ok()) return *std::move(tenant);
    file.Refuse(*field.node, absl::StrCat("tenant: ", tenant.status().message()));
    return absl::nullopt;
  }

  void ReadDomains(FileReader& file, Field section) {
    MapReader map(file, section, "domains");
    policy_.domains_backend = ReadBackendName(file, map.Find("backend"), policy_.backends)
                                  .value_or(policy_.domains_backend);
    for (const Field& item : file.Items(map.Find("files"))) {
      const absl::optional<std::string> pattern = file.Text(item);
      if (!pattern.has_value() || !file.MayNameFiles(item)) continue;
      const auto paths = outside_.inputs.Match(ResolvePattern(outside_.folder, *pattern));
      if (!paths.ok()) {
        file.Refuse(*item.node, std::string(paths.status().message()));
        continue;
      }
      if (paths->empty()) {
        file.Refuse(*item.node, absl::StrCat("no file matches ", Found(*item.node)),
                    "names are relative to the folder of this file");
      }
      for (const std::string& path : *paths) {
        // Two patterns may both match a file.
        if (paths_.insert(path).second) AddDomainFile(path);
      }
    }
    const Field on_error = map.Find("on_error");
    policy_.domains_on_error = ReadOnError(file, on_error, policy_.backends);
    if (policy_.domains_on_error.fallback == policy_.domains_backend) {
      file.Refuse(*on_error.node, "the fallback is the domains' own backend", "name another one");
    }
    map.NotYet(
        {"tenant", "strategy", "compat", "unmatched", "descriptor_addend", "headers", "merge"});
    map.Finish();
  }

  void AddDomainFile(const std::string& path) {
    const absl::StatusOr<std::string> text = outside_.inputs.Read(path, YamlDocument::kMaxBytes);
    if (!text.ok()) return RefuseFile(path, text.status());
    const YamlDocument document(*text, path);
    FileReader& file = Open(*text, document, Dialect::kEnvoy);
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

  const BackendSpec backend_;  // when none is configured
  PolicySet policy_;
  Outside outside_;
  std::deque<YamlDocument> documents_;              // of the configuration
  std::deque<YamlNode> nodes_;                      // of no document
  std::vector<const YamlNode*> roots_;              // of the documents that are no domains
  std::vector<std::string> shown_domains_;          // those that the configuration does not name
  bool unread_ = false;                             // a file of the configuration
  std::deque<FileReader> files_;                    // in the order in which they were opened
  absl::flat_hash_map<std::string, size_t> ranks_;  // of files, in that order
  absl::flat_hash_set<std::string> paths_;
  absl::flat_hash_map<std::string, std::string> domain_files_;
};

}  // namespace

PolicyResult LoadPolicyFile(const std::string& path, uint64_t generation,
                            const LoadOptions& options) {
  if (IsFolder(path)) {
    const std::string folder = absl::EndsWith(path, "/") ? path : absl::StrCat(path, "/");
    return Loader(folder, options).LoadFolder(path, generation);
  }
  return Loader(FolderOf(path), options).LoadFile(path, generation);
}

PolicyResult LoadPolicyText(const std::string& name, absl::string_view text, uint64_t generation,
                            const LoadOptions& options) {
  return Loader("", options).LoadText(name, text, generation);
}

}  // namespace sluice
