#include "tests/fakes/redis/resp_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sluice {
namespace {

// A connected socket that waits no longer than it may.
class Wire {
 public:
  Wire(const std::string& path, int64_t timeout_us) : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    const timeval patience{timeout_us / 1'000'000, timeout_us % 1'000'000};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy_n(path.data(), std::min(path.size(), sizeof(address.sun_path) - 1), address.sun_path);
    open_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Wire() { close(fd_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  bool Send(absl::string_view bytes) {
    while (open_ && !bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      open_ = sent > 0;
      if (open_) bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return open_;
  }

  // Without its end of line.
  absl::optional<std::string> Line() {
    size_t end;
    while ((end = got_.find("\r\n")) == std::string::npos) {
      if (!Receive()) return absl::nullopt;
    }
    const std::string line = got_.substr(0, end);
    got_.erase(0, end + 2);
    return line;
  }

  absl::optional<std::string> Bytes(size_t size) {
    while (got_.size() < size + 2) {
      if (!Receive()) return absl::nullopt;
    }
    const std::string bytes = got_.substr(0, size);
    got_.erase(0, size + 2);
    return bytes;
  }

 private:
  bool Receive() {
    std::array<char, 16384> chunk;
    const ssize_t got = open_ ? recv(fd_, chunk.data(), chunk.size(), 0) : -1;
    if (got > 0) got_.append(chunk.data(), static_cast<size_t>(got));
    return got > 0;
  }

  const int fd_;
  bool open_ = false;
  std::string got_;
};

absl::optional<std::string> ReadReply(Wire& wire) {
  const absl::optional<std::string> line = wire.Line();
  if (!line.has_value() || line->empty()) return absl::nullopt;
  const std::string rest = line->substr(1);
  const int size = std::atoi(rest.c_str());
  switch (line->front()) {
    case '$':
      return size < 0 ? std::string() : wire.Bytes(static_cast<size_t>(size));
    case '*': {
      std::string lines;
      for (int i = 0; i < size; ++i) {
        const absl::optional<std::string> element = ReadReply(wire);
        if (!element.has_value()) return absl::nullopt;
        absl::StrAppend(&lines, i == 0 ? "" : "\n", *element);
      }
      return lines;
    }
    default:
      return rest;
  }
}

}  // namespace

absl::optional<std::string> AskRedis(const std::string& socket_path,
                                     absl::Span<const std::vector<std::string>> commands,
                                     int64_t timeout_us) {
  std::string request;
  for (const std::vector<std::string>& command : commands) {
    absl::StrAppend(&request, "*", command.size(), "\r\n");
    for (const std::string& word : command) {
      absl::StrAppend(&request, "$", word.size(), "\r\n", word, "\r\n");
    }
  }
  Wire wire(socket_path, timeout_us);
  if (!wire.Send(request)) return absl::nullopt;
  absl::optional<std::string> reply;
  for (size_t i = 0; i < commands.size(); ++i) {
    reply = ReadReply(wire);
    if (!reply.has_value()) break;
  }
  return reply;
}

}  // namespace sluice
