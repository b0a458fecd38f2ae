#include "cli/simulate/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/memory/memory.h"

namespace sluice::cli {
namespace {

constexpr int kMode = 0666;

absl::Status SystemError() { return absl::UnavailableError(std::strerror(errno)); }

}  // namespace

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Open(const std::string& path) {
  int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
  const bool created = descriptor >= 0;
  if (!created && errno == EEXIST) descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemError();
  return absl::WrapUnique(new OutputFile(path, descriptor, created));
}

OutputFile::~OutputFile() {
  close(descriptor_);
  if (unwanted_) unlink(path_.c_str());
}

absl::Status OutputFile::Write(absl::string_view content) {
  unwanted_ = false;
  // What is no regular file has no length.
  if (ftruncate(descriptor_, 0) != 0 && errno != EINVAL) return SystemError();
  while (!content.empty()) {
    const ssize_t written = write(descriptor_, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError();
    content.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace sluice::cli
