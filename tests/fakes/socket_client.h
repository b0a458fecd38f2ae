// A TCP client that says exactly what a test wants said.
#ifndef SLUICE_TESTS_FAKES_SOCKET_CLIENT_H_
#define SLUICE_TESTS_FAKES_SOCKET_CLIENT_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Sends `bytes` to a port of 127.0.0.1 and reads until what came is `enough`, the server closes, or
// it is silent for 10 s. Empty when nobody listens.
inline std::string Exchange(
    int port, absl::string_view bytes,
    absl::FunctionRef<bool(const std::string&)> enough = [](const std::string&) { return false; }) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const timeval patience{10, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    std::array<char, 4096> chunk;
    while (!enough(answer)) {
      const ssize_t got = recv(fd, chunk.data(), chunk.size(), 0);
      if (got <= 0) break;
      answer.append(chunk.data(), static_cast<size_t>(got));
    }
  }
  close(fd);
  return answer;
}

struct HttpAnswer {
  int status = 0;
  std::string head;  // with the status line
  std::string body;
};

// One HTTP/1.1 request on a connection of its own.
inline HttpAnswer AskHttp(int port, absl::string_view method, absl::string_view path,
                          absl::string_view body = "") {
  const std::string answer = Exchange(
      port, absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n",
                         "Content-Length: ", body.size(), "\r\n\r\n", body));
  const size_t end = answer.find("\r\n\r\n");
  if (end == std::string::npos) return {0, answer, ""};
  HttpAnswer parsed{0, answer.substr(0, end), answer.substr(end + 4)};
  if (parsed.head.size() > 12) parsed.status = std::atoi(parsed.head.c_str() + 9);
  return parsed;
}

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_SOCKET_CLIENT_H_
