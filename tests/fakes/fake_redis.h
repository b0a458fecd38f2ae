// A Redis that answers what a test wants it to.
#ifndef SLUICE_TESTS_FAKES_FAKE_REDIS_H_
#define SLUICE_TESTS_FAKES_FAKE_REDIS_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "core/mutex.h"
#include "io/endpoint.h"

namespace sluice {

inline std::string Bulk(absl::string_view text) {
  return absl::StrCat("$", text.size(), "\r\n", text, "\r\n");
}
inline std::string Array(const std::vector<std::string>& elements) {
  return absl::StrCat("*", elements.size(), "\r\n", absl::StrJoin(elements, ""));
}

// Listens on a free port of 127.0.0.1, with a thread for each connection. Thread-safe.
class FakeRedis {
 public:
  // The reply to a command as it goes over the wire. Empty: none comes. kCut: the connection is
  // closed. Nothing: what a primary in good health answers. May wait, on the connection's thread.
  using Handler = std::function<absl::optional<std::string>(const std::vector<std::string>&)>;
  static constexpr char kCut[] = "cut";

  explicit FakeRedis(Handler handler = nullptr) : handler_(std::move(handler)) { Listen(); }
  ~FakeRedis() {
    Refuse();
    Cut();
    std::vector<std::thread> threads;
    {
      MutexLock lock(mutex_);
      threads.swap(threads_);
    }
    for (std::thread& thread : threads) thread.join();
  }
  FakeRedis(const FakeRedis&) = delete;
  FakeRedis& operator=(const FakeRedis&) = delete;

  Endpoint endpoint() const {
    Endpoint endpoint;
    endpoint.host = "127.0.0.1";
    endpoint.port = port_;
    return endpoint;
  }

  void Handle(Handler handler) {
    MutexLock lock(mutex_);
    handler_ = std::move(handler);
  }
  // To each connection, unasked.
  void Say(absl::string_view bytes) {
    MutexLock lock(mutex_);
    for (const int fd : open_) SendTo(fd, bytes);
  }
  void Cut() {
    MutexLock lock(mutex_);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  // Nobody listens any more; the connections that there are stay.
  void Refuse() {
    if (listener_ < 0) return;
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    close(std::exchange(listener_, -1));
  }
  // Again, on the same port.
  void Listen() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, any, size) != 0 || listen(listener_, 64) != 0) std::abort();
    getsockname(listener_, any, &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this, fd = listener_] { Accept(fd); });
  }

  int accepted() const {
    MutexLock lock(mutex_);
    return accepted_;
  }
  // What was said so far, the words of a command joined by spaces.
  std::vector<std::string> commands() const {
    MutexLock lock(mutex_);
    return commands_;
  }
  int64_t Count(absl::string_view command) const {
    MutexLock lock(mutex_);
    int64_t count = 0;
    for (const std::string& said : commands_) count += said == command ? 1 : 0;
    return count;
  }

 private:
  static void SendTo(int fd, absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  void Accept(int listener) {
    for (;;) {
      const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      MutexLock lock(mutex_);
      ++accepted_;
      open_.push_back(fd);
      threads_.emplace_back([this, fd] { Serve(fd); });
    }
  }

  void Serve(int fd) {
    std::string unread;
    std::array<char, 4096> chunk;
    for (bool open = true; open;) {
      const ssize_t got = recv(fd, chunk.data(), chunk.size(), 0);
      if (got <= 0) break;
      unread.append(chunk.data(), static_cast<size_t>(got));
      std::vector<std::string> command;
      while (open && Take(unread, command)) open = Answer(fd, command);
    }
    MutexLock lock(mutex_);
    for (size_t i = 0; i < open_.size(); ++i) {
      if (open_[i] == fd) open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i--));
    }
    close(fd);
  }

  // The first command of `bytes`; false when it is not complete.
  static bool Take(std::string& bytes, std::vector<std::string>& command) {
    command.clear();
    size_t at = 0;
    const auto number = [&](size_t& value) {
      const size_t end = bytes.find("\r\n", at);
      if (end == std::string::npos) return false;
      value = static_cast<size_t>(std::atoll(bytes.c_str() + at + 1));
      at = end + 2;
      return true;
    };
    size_t words = 0;
    if (!number(words)) return false;
    for (size_t size = 0; command.size() < words; at += size + 2) {
      if (!number(size) || bytes.size() < at + size + 2) return false;
      command.push_back(bytes.substr(at, size));
    }
    bytes.erase(0, at);
    return true;
  }

  // False when it is to be closed.
  bool Answer(int fd, const std::vector<std::string>& command) {
    Handler handler;
    {
      MutexLock lock(mutex_);
      commands_.push_back(absl::StrJoin(command, " "));
      handler = handler_;
    }
    absl::optional<std::string> reply;
    if (handler) reply = handler(command);
    if (!reply.has_value()) reply = Healthy(command);
    if (*reply == kCut) return false;
    MutexLock lock(mutex_);
    SendTo(fd, *reply);
    return true;
  }

  static std::string Healthy(const std::vector<std::string>& command) {
    if (command[0] == "ROLE") return Array({Bulk("master"), ":0\r\n", "*0\r\n"});
    if (command[0] == "ECHO") return Bulk(command[1]);
    if (command[0] == "SUBSCRIBE") return Array({Bulk("subscribe"), Bulk(command[1]), ":1\r\n"});
    return "+OK\r\n";
  }

  uint16_t port_ = 0;
  int listener_ = -1;
  std::thread acceptor_;

  mutable Mutex mutex_;
  Handler handler_ ABSL_GUARDED_BY(mutex_);
  int accepted_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<int> open_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> commands_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_FAKE_REDIS_H_
