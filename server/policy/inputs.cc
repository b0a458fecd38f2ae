#include "policy/inputs.h"

#include <dirent.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/digest.h"

namespace sluice {
namespace {

constexpr absl::string_view kSpecial = "*?[\\";
constexpr absl::string_view kStream = "a stream";

absl::Status Unreadable(absl::string_view what, absl::string_view why) {
  return absl::NotFoundError(absl::StrCat("the ", what, " cannot be read: ", why));
}

absl::Status TooMany() {
  return absl::ResourceExhaustedError(absl::StrCat("a configuration has at most ",
                                                   PolicyInputs::kMaxFiles, " files and ",
                                                   PolicyInputs::kMaxBytes, " bytes in all"));
}

// What can be read only once, and so not compared.
bool IsStream(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

bool IsConfiguration(absl::string_view name) {
  return !absl::StartsWith(name, ".") &&
         (absl::EndsWith(name, ".yaml") || absl::EndsWith(name, ".yml") ||
          absl::EndsWith(name, ".json"));
}

struct CloseFolder {
  void operator()(DIR* open) const { closedir(open); }
};

std::string Answer(const absl::StatusOr<std::vector<std::string>>& paths) {
  return paths.ok() ? absl::StrJoin(*paths, "\n") : std::string(paths.status().message());
}

absl::StatusOr<std::vector<std::string>> Entries(const std::string& folder) {
  const std::unique_ptr<DIR, CloseFolder> open(opendir(folder.c_str()));
  if (open == nullptr) return Unreadable("folder", std::strerror(errno));
  std::vector<std::string> paths;
  while (const dirent* entry = readdir(open.get())) {
    if (!IsConfiguration(entry->d_name)) continue;
    std::string path = absl::StrCat(folder, absl::EndsWith(folder, "/") ? "" : "/", entry->d_name);
    if (IsFolder(path)) continue;
    if (paths.size() == PolicyInputs::kMaxFiles) return TooMany();
    paths.push_back(std::move(path));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

absl::StatusOr<std::vector<std::string>> Matches(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  if (paths.size() > PolicyInputs::kMaxFiles) return TooMany();
  return paths;
}

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t most) {
  // The system takes a path to end there, and would read another file.
  if (absl::StrContains(path, '\0')) return Unreadable("file", "its name has a zero byte");
  if (IsFolder(path)) return Unreadable("file", "it is a folder");
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return Unreadable("file", std::strerror(errno));
  std::string text;
  std::array<char, 1 << 16> chunk;
  // One byte more than is allowed, so that a file that is too long is seen.
  while (text.size() <= most && stream) {
    const size_t wanted = std::min(chunk.size(), most + 1 - text.size());
    stream.read(chunk.data(), static_cast<std::streamsize>(wanted));
    text.append(chunk.data(), static_cast<size_t>(stream.gcount()));
  }
  if (stream.bad()) return Unreadable("file", std::strerror(errno));
  if (text.size() > most) {
    return absl::OutOfRangeError(absl::StrCat("the file is larger than ", most, " bytes"));
  }
  return text;
}

}  // namespace

bool IsFolder(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string FolderOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? "" : std::string(path.substr(0, slash + 1));
}

std::string Resolve(const std::string& folder, const std::string& path) {
  return absl::StartsWith(path, "/") ? path : absl::StrCat(folder, path);
}

std::string ResolvePattern(const std::string& folder, const std::string& pattern) {
  std::string escaped;
  for (const char c : folder) {
    if (absl::StrContains(kSpecial, c)) escaped += '\\';
    escaped += c;
  }
  return Resolve(escaped, pattern);
}

absl::StatusOr<std::string> PolicyInputs::Read(const std::string& path, size_t most) {
  absl::StatusOr<std::string> text = TooMany();
  if (files_++ < kMaxFiles) text = ReadFile(path, most);
  if (text.ok() && text->size() > kMaxBytes - bytes_) text = TooMany();
  if (text.ok()) bytes_ += text->size();
  const absl::string_view answer = text.ok() ? absl::string_view(*text) : text.status().message();
  Remember({Kind::kFile, path, most}, IsStream(path) ? kStream : answer);
  return text;
}

absl::StatusOr<std::vector<std::string>> PolicyInputs::Match(const std::string& pattern) {
  absl::StatusOr<std::vector<std::string>> paths = Matches(pattern);
  Remember({Kind::kPattern, pattern, 0}, Answer(paths));
  return paths;
}

absl::StatusOr<std::vector<std::string>> PolicyInputs::List(const std::string& folder) {
  absl::StatusOr<std::vector<std::string>> paths = Entries(folder);
  Remember({Kind::kFolder, folder, 0}, Answer(paths));
  return paths;
}

void PolicyInputs::Remember(Question question, absl::string_view answer) {
  fingerprint_ = Sha256(absl::StrCat(fingerprint_, Sha256(answer)));
  questions_.push_back(std::move(question));
}

std::string PolicyInputs::PresentFingerprint() const {
  PolicyInputs now;
  for (const Question& question : questions_) {
    switch (question.kind) {
      case Kind::kFile:
        if (IsStream(question.path)) {
          now.Remember(question, kStream);
        } else {
          now.Read(question.path, question.most).IgnoreError();
        }
        break;
      case Kind::kPattern:
        now.Match(question.path).IgnoreError();
        break;
      case Kind::kFolder:
        now.List(question.path).IgnoreError();
        break;
    }
  }
  return now.fingerprint_;
}

std::vector<std::string> PolicyInputs::Folders() const {
  std::set<std::string> folders;
  for (const Question& question : questions_) {
    std::string folder = question.path;
    if (question.kind == Kind::kPattern) {
      folder.resize(std::min(folder.find_first_of(std::string(kSpecial)), folder.size()));
    }
    if (question.kind != Kind::kFolder) folder = FolderOf(folder);
    folders.insert(folder.empty() ? "." : folder);
  }
  return {folders.begin(), folders.end()};
}

}  // namespace sluice
