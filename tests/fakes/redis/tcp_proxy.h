// A network that fails as a test wants it to.
#ifndef SLUICE_TESTS_FAKES_REDIS_TCP_PROXY_H_
#define SLUICE_TESTS_FAKES_REDIS_TCP_PROXY_H_

#include <cstdint>
#include <memory>
#include <string>

namespace sluice {

// Listens on a free port of 127.0.0.1 and carries what comes there to another port and back, on a
// thread of its own. Thread-safe. What a control says holds when it returns.
class TcpProxy {
 public:
  // `host` in numbers. Whoever listens there need not be up.
  TcpProxy(const std::string& host, int port);
  ~TcpProxy();  // cuts all connections
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  int port() const;
  std::string endpoint() const;  // "127.0.0.1:PORT"

  // What is read from now on goes on so much later, order kept.
  void SetDelay(int64_t each_way_us);
  void SetReplyDelay(int64_t us);  // and what the client says at once
  // Resets all connections, now or again and again; 0: no more.
  void Cut();
  void CutEvery(int64_t us);
  // Nobody listens; the connections that there are stay.
  void Refuse(bool on);
  // What the server says is lost on the way, and never comes: whoever then waits on that connection
  // for a reply takes the next one for it.
  void DropReplies(bool on);
  // Nothing goes through in either direction and nothing is closed; new connections are accepted by
  // the kernel alone. What was sent meanwhile arrives when it ends.
  void Blackhole(bool on);

  int64_t connections() const;  // accepted since the start
  int64_t open_connections() const;
  int64_t request_bytes() const;  // read from clients since the start
  int64_t reply_bytes() const;    // read from the server, dropped ones too

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_REDIS_TCP_PROXY_H_
