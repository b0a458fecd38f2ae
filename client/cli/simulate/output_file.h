// A file that is written at the end, and known to be writable from the start.
#ifndef SLUICE_CLI_SIMULATE_OUTPUT_FILE_H_
#define SLUICE_CLI_SIMULATE_OUTPUT_FILE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice::cli {

// Not thread-safe.
class OutputFile {
 public:
  // Leaves what is in the file alone. The error says why in the system's words.
  static absl::StatusOr<std::unique_ptr<OutputFile>> Open(const std::string& path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  // A file that was not there before and was never written goes again.
  ~OutputFile();

  // Puts `content` in place of what was there. At most once.
  absl::Status Write(absl::string_view content);

 private:
  OutputFile(std::string path, int descriptor, bool created)
      : path_(std::move(path)), descriptor_(descriptor), unwanted_(created) {}

  const std::string path_;
  const int descriptor_;
  bool unwanted_;  // so far
};

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_OUTPUT_FILE_H_
