// A server that a test plays itself, one call after the other.
#ifndef SLUICE_TESTS_FAKES_BLOCKING_SERVER_H_
#define SLUICE_TESTS_FAKES_BLOCKING_SERVER_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "io/endpoint.h"

namespace sluice {

// One accepted connection. Whatever takes longer than 10 s fails the test.
class ServedPeer {
 public:
  explicit ServedPeer(int fd) : fd_(fd) {}
  ServedPeer(ServedPeer&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ServedPeer& operator=(ServedPeer&&) = delete;
  ~ServedPeer() { Close(); }

  int fd() const { return fd_; }

  void Send(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(sent, 0) << std::strerror(errno);
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // Less than `size` bytes only when the client has closed.
  std::string Read(size_t size) {
    std::string all(size, '\0');
    size_t got = 0;
    while (got < size) {
      const ssize_t now = recv(fd_, all.data() + got, size - got, 0);
      if (now < 0) ADD_FAILURE() << std::strerror(errno);
      if (now <= 0) break;
      got += static_cast<size_t>(now);
    }
    all.resize(got);
    return all;
  }
  // Whether nothing comes any more: the client has closed or cut the connection.
  bool IsAtEnd() {
    char byte;
    const ssize_t got = recv(fd_, &byte, 1, 0);
    return got == 0 || (got < 0 && errno == ECONNRESET);
  }
  void EndSending() { shutdown(fd_, SHUT_WR); }
  // As when a host goes down: the client learns of it by a reset.
  void Reset() {
    const linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    Close();
  }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

// On a loopback port that the system chose, or on a Unix socket.
class BlockingServer {
 public:
  enum class Mode {
    kListening,
    kRefusing,  // has the port and refuses its connections
  };

  static BlockingServer OnIpv4(Mode mode = Mode::kListening) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BlockingServer server(address, mode);
    server.endpoint_.host = "127.0.0.1";
    server.endpoint_.port = ntohs(server.Bound<sockaddr_in>().sin_port);
    return server;
  }
  static BlockingServer OnIpv6() {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    BlockingServer server(address, Mode::kListening);
    server.endpoint_.host = "::1";
    server.endpoint_.port = ntohs(server.Bound<sockaddr_in6>().sin6_port);
    return server;
  }
  static BlockingServer OnUnixSocket(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    BlockingServer server(address, Mode::kListening);
    server.endpoint_.unix_path = path;
    return server;
  }
  BlockingServer(BlockingServer&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), endpoint_(std::move(other.endpoint_)) {}
  BlockingServer& operator=(BlockingServer&&) = delete;
  ~BlockingServer() {
    if (fd_ >= 0) close(fd_);
  }

  const Endpoint& endpoint() const { return endpoint_; }

  ServedPeer Accept() {
    const int fd = accept(fd_, nullptr, nullptr);
    EXPECT_GE(fd, 0) << "nobody connects: " << std::strerror(errno);
    BePatient(fd);
    return ServedPeer(fd);
  }

 private:
  template <class Address>
  BlockingServer(const Address& address, Mode mode) {
    const auto* const at = reinterpret_cast<const sockaddr*>(&address);
    fd_ = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    BePatient(fd_);
    EXPECT_EQ(bind(fd_, at, sizeof(address)), 0) << std::strerror(errno);
    if (mode == Mode::kRefusing) return;
    EXPECT_EQ(listen(fd_, 16), 0) << std::strerror(errno);
  }

  template <class Address>
  Address Bound() const {
    Address address{};
    socklen_t size = sizeof(address);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    return address;
  }
  static void BePatient(int fd) {
    const timeval patience{10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  }

  int fd_ = -1;
  Endpoint endpoint_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_BLOCKING_SERVER_H_
