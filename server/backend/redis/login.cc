#include "backend/redis/login.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "backend/redis/router.h"

namespace sluice {
namespace {

constexpr size_t kMostBytes = 4096;

absl::Status Wrong(const std::string& path, absl::string_view what) {
  return absl::UnavailableError(absl::StrCat("password_file ", path, " ", what));
}

// Up to one byte more than there may be. A loop reads it, so that it must not block.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Wrong(path, "cannot be opened");
  struct stat about {};
  std::string text(kMostBytes + 1, '\0');
  size_t size = 0;
  ssize_t got = fstat(fd, &about) == 0 && S_ISREG(about.st_mode) ? 1 : -1;
  while (got > 0 && size < text.size()) {
    got = read(fd, &text[size], text.size() - size);
    if (got < 0 && errno == EINTR)
      got = 1;
    else if (got > 0)
      size += static_cast<size_t>(got);
  }
  close(fd);
  if (got < 0) return Wrong(path, "cannot be read; it has to be a regular file");
  text.resize(size);
  return text;
}

absl::StatusOr<std::string> ReadPassword(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadSmallFile(path);
  if (!text.ok()) return text.status();
  if (text->size() > kMostBytes) return Wrong(path, "is longer than 4096 bytes");
  absl::string_view password = *text;
  if (absl::ConsumeSuffix(&password, "\n")) absl::ConsumeSuffix(&password, "\r");
  if (password.empty()) return Wrong(path, "is empty; the password has to stand there");
  return std::string(password);
}

}  // namespace

absl::StatusOr<std::string> AuthCommand(const RedisLogin& login) {
  std::string password = login.password;
  if (!login.password_file.empty()) {
    absl::StatusOr<std::string> read = ReadPassword(login.password_file);
    if (!read.ok()) return read.status();
    password = *std::move(read);
  }
  if (password.empty()) return std::string();
  if (login.username.empty()) return FormatCommand({"AUTH", password});
  return FormatCommand({"AUTH", login.username, password});
}

}  // namespace sluice
