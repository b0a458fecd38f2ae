// What a policy is read from: all that was asked of the file system, so that it can be asked again.
#ifndef SLUICE_POLICY_INPUTS_H_
#define SLUICE_POLICY_INPUTS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// A value. Its errors are for an operator, and say nothing of the path.
class PolicyInputs {
 public:
  static constexpr size_t kMaxFiles = 1000;              // of all questions together
  static constexpr size_t kMaxBytes = size_t{64} << 20;  // likewise

  // The content of a file, symlinks followed. An error when it is longer than `most` bytes.
  absl::StatusOr<std::string> Read(const std::string& path, size_t most);
  // The paths that match a pattern of glob(7), sorted.
  absl::StatusOr<std::vector<std::string>> Match(const std::string& pattern);
  // The paths of a folder's configuration files (*.yaml, *.yml, *.json; neither hidden ones nor
  // those in folders below), sorted.
  absl::StatusOr<std::vector<std::string>> List(const std::string& folder);

  // Stands for the answers to all of these.
  const std::string& fingerprint() const { return fingerprint_; }
  // What it would be now. Files that can be read only once, such as pipes, count as unchanged.
  std::string PresentFingerprint() const;

  // Where a change of the answers shows: the folders of all that was asked for.
  std::vector<std::string> Folders() const;

 private:
  enum class Kind { kFile, kPattern, kFolder };
  struct Question {
    Kind kind;
    std::string path;
    size_t most;
  };

  void Remember(Question question, absl::string_view answer);

  std::vector<Question> questions_;
  std::string fingerprint_;
  size_t files_ = 0;
  size_t bytes_ = 0;
};

// Whether it is a folder, symlinks followed.
bool IsFolder(const std::string& path);

// The folder that the files named in `path` are relative to: empty, or with a `/` behind it.
std::string FolderOf(absl::string_view path);

// A path that a configuration in `folder` names.
std::string Resolve(const std::string& folder, const std::string& path);
// The same of a pattern: what is special to glob in `folder` stands for itself.
std::string ResolvePattern(const std::string& folder, const std::string& pattern);

}  // namespace sluice

#endif  // SLUICE_POLICY_INPUTS_H_
