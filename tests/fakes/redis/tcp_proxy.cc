#include "tests/fakes/redis/tcp_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <list>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "core/mutex.h"
#include "tests/fakes/redis/patience.h"
#include "tests/fakes/redis/redis_server.h"

namespace sluice {
namespace {

// A direction with so much on its way is read no further.
constexpr size_t kFull = 1 << 20;

int NewSocket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  return fd;
}

void SendAtOnce(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

sockaddr_in AddressOf(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) GiveUp("no address: " + host);
  return address;
}

int Listen(int port) {
  const int fd = NewSocket();
  const sockaddr_in address = AddressOf("127.0.0.1", port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(fd, 128) != 0) {
    GiveUp(absl::StrCat("the proxy cannot listen on port ", port));
  }
  return fd;
}

int PortOf(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// So that the other side sees a reset.
void Reset(int fd) {
  const linger at_once{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(fd);
}

struct Chunk {
  int64_t due_us;
  std::string bytes;
};

// One direction of a connection.
struct Way {
  int from;
  int to;
  std::deque<Chunk> pending = {};
  size_t size = 0;      // of pending
  bool ended = false;   // `from` says no more
  bool closed = false;  // and `to` knows
};

struct Link {
  Way requests;
  Way replies;
  bool broken = false;
};

}  // namespace

class TcpProxy::Impl {
 public:
  Impl(const std::string& host, int port)
      : target_(AddressOf(host, port)),
        wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        listener_(Listen(FreePort())),
        port_(PortOf(listener_)),
        thread_([this] { Run(); }) {}

  ~Impl() {
    Apply([this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { stopping_ = true; });
    thread_.join();
    close(wake_);
  }

  int port() const { return port_; }

  // Runs `change` and returns when the thread goes by it.
  void Apply(absl::FunctionRef<void()> change) {
    MutexLock lock(mutex_);
    change();
    const int64_t mine = ++asked_;
    const uint64_t one = 1;
    if (write(wake_, &one, sizeof(one)) != sizeof(one)) GiveUp("the proxy cannot be woken");
    while (applied_ < mine) done_.Wait(mutex_);
  }

  void SetDelay(int64_t request_us, int64_t reply_us) {
    Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      request_delay_us_ = request_us;
      reply_delay_us_ = reply_us;
    });
  }
  void Cut() {
    Apply([this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { cut_ = true; });
  }
  void CutEvery(int64_t us) {
    Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      cut_every_us_ = us;
      next_cut_us_ = SteadyUs() + us;
    });
  }
  void Refuse(bool on) {
    Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { refuse_ = on; });
  }
  void DropReplies(bool on) {
    Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { drop_replies_ = on; });
  }
  void Blackhole(bool on) {
    Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { blackhole_ = on; });
  }

  struct Counts {
    int64_t connections = 0;
    int64_t open = 0;
    int64_t request_bytes = 0;
    int64_t reply_bytes = 0;
  };
  Counts counts() {
    MutexLock lock(mutex_);
    return counts_;
  }

 private:
  void Run() {
    std::vector<pollfd> fds;
    while (true) {
      int timeout_ms;
      {
        MutexLock lock(mutex_);
        Obey();
        if (!blackhole_) {
          Accept();
          const int64_t now = SteadyUs();
          for (Link& link : links_) {
            Carry(link, now);
          }
        }
        links_.remove_if([](const Link& link) { return Finished(link); });
        counts_.open = static_cast<int64_t>(links_.size());
        applied_ = asked_;
        done_.NotifyAll();
        if (stopping_) break;
        fds = Watched();
        timeout_ms = PatienceMs();
      }
      poll(fds.data(), fds.size(), timeout_ms);
    }
    if (listener_ >= 0) close(listener_);
  }

  void Obey() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    uint64_t count;
    while (read(wake_, &count, sizeof(count)) > 0) {
    }
    const int64_t now = SteadyUs();
    if (cut_every_us_ > 0 && now >= next_cut_us_) {
      cut_ = true;
      next_cut_us_ = now + cut_every_us_;
    }
    if (cut_ || stopping_) {
      for (Link& link : links_) Break(link);
      cut_ = false;
    }
    if (refuse_ && listener_ >= 0) {
      close(listener_);
      listener_ = -1;
    } else if (!refuse_ && listener_ < 0) {
      listener_ = Listen(port_);
    }
  }

  void Accept() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (listener_ < 0) return;
    while (true) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) return;
      const int server = NewSocket();
      SendAtOnce(client);
      SendAtOnce(server);
      // Until it is connected, it has nothing to read and no room to write.
      connect(server, reinterpret_cast<const sockaddr*>(&target_), sizeof(target_));
      links_.push_back({{client, server}, {server, client}});
      ++counts_.connections;
    }
  }

  void Carry(Link& link, int64_t now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (link.broken) return;
    const bool fine =
        Read(link.requests, now + request_delay_us_, false, counts_.request_bytes) &&
        Read(link.replies, now + reply_delay_us_, drop_replies_, counts_.reply_bytes) &&
        Write(link.requests, now) && Write(link.replies, now);
    if (!fine) Break(link);
  }

  // Both false when the connection is broken.
  static bool Read(Way& way, int64_t due_us, bool drop, int64_t& count) {
    std::array<char, 65536> chunk;
    while (!way.ended && way.size < kFull) {
      const ssize_t got = recv(way.from, chunk.data(), chunk.size(), 0);
      if (got < 0) return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
      if (got == 0) {
        way.ended = true;
        break;
      }
      count += got;
      if (drop) continue;
      // A shorter delay does not overtake.
      if (!way.pending.empty()) due_us = std::max(due_us, way.pending.back().due_us);
      way.pending.push_back({due_us, std::string(chunk.data(), static_cast<size_t>(got))});
      way.size += static_cast<size_t>(got);
    }
    return true;
  }
  static bool Write(Way& way, int64_t now) {
    while (!way.pending.empty() && way.pending.front().due_us <= now) {
      std::string& bytes = way.pending.front().bytes;
      const ssize_t sent = send(way.to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
      way.size -= static_cast<size_t>(sent);
      bytes.erase(0, static_cast<size_t>(sent));
      if (bytes.empty()) way.pending.pop_front();
    }
    if (way.ended && way.pending.empty() && !way.closed) {
      shutdown(way.to, SHUT_WR);
      way.closed = true;
    }
    return true;
  }

  static void Break(Link& link) {
    if (link.broken) return;
    Reset(link.requests.from);
    Reset(link.replies.from);
    link.broken = true;
  }

  static bool Finished(const Link& link) {
    if (link.broken) return true;
    if (!link.requests.closed || !link.replies.closed) return false;
    close(link.requests.from);
    close(link.replies.from);
    return true;
  }

  std::vector<pollfd> Watched() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::vector<pollfd> fds = {{wake_, POLLIN, 0}};
    if (blackhole_) return fds;
    if (listener_ >= 0) fds.push_back({listener_, POLLIN, 0});
    const int64_t now = SteadyUs();
    for (const Link& link : links_) {
      AddTo(fds, link.requests, link.replies, now);
      AddTo(fds, link.replies, link.requests, now);
    }
    return fds;
  }
  // The socket that `in` reads and `out` writes.
  static void AddTo(std::vector<pollfd>& fds, const Way& in, const Way& out, int64_t now) {
    short events = 0;
    if (!in.ended && in.size < kFull) events |= POLLIN;
    if (!out.pending.empty() && out.pending.front().due_us <= now) events |= POLLOUT;
    // Without events poll would still wake for a hang-up, again and again.
    if (events != 0) fds.push_back({in.from, events, 0});
  }

  // Until the next chunk is due or the next cut.
  int PatienceMs() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const int64_t now = SteadyUs();
    int64_t next = now + 1'000'000;
    if (cut_every_us_ > 0) next = std::min(next, next_cut_us_);
    for (const Link& link : links_) {
      for (const Way* way : {&link.requests, &link.replies}) {
        const bool waits = !way->pending.empty() && way->pending.front().due_us > now;
        if (waits && !blackhole_) next = std::min(next, way->pending.front().due_us);
      }
    }
    return static_cast<int>(std::max<int64_t>(0, (next - now + 999) / 1000));
  }

  const sockaddr_in target_;
  const int wake_;
  int listener_;  // of the thread alone once it runs; -1: none
  const int port_;

  Mutex mutex_;
  CondVar done_;
  int64_t asked_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t applied_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool cut_ ABSL_GUARDED_BY(mutex_) = false;
  bool refuse_ ABSL_GUARDED_BY(mutex_) = false;
  bool drop_replies_ ABSL_GUARDED_BY(mutex_) = false;
  bool blackhole_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t cut_every_us_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t next_cut_us_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t request_delay_us_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t reply_delay_us_ ABSL_GUARDED_BY(mutex_) = 0;
  Counts counts_ ABSL_GUARDED_BY(mutex_);
  std::list<Link> links_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

TcpProxy::TcpProxy(const std::string& host, int port) : impl_(std::make_unique<Impl>(host, port)) {}
TcpProxy::~TcpProxy() = default;

int TcpProxy::port() const { return impl_->port(); }
std::string TcpProxy::endpoint() const { return absl::StrCat("127.0.0.1:", port()); }

void TcpProxy::SetDelay(int64_t each_way_us) { impl_->SetDelay(each_way_us, each_way_us); }
void TcpProxy::SetReplyDelay(int64_t us) { impl_->SetDelay(0, us); }
void TcpProxy::Cut() { impl_->Cut(); }
void TcpProxy::CutEvery(int64_t us) { impl_->CutEvery(us); }
void TcpProxy::Refuse(bool on) { impl_->Refuse(on); }
void TcpProxy::DropReplies(bool on) { impl_->DropReplies(on); }
void TcpProxy::Blackhole(bool on) { impl_->Blackhole(on); }

int64_t TcpProxy::connections() const { return impl_->counts().connections; }
int64_t TcpProxy::open_connections() const { return impl_->counts().open; }
int64_t TcpProxy::request_bytes() const { return impl_->counts().request_bytes; }
int64_t TcpProxy::reply_bytes() const { return impl_->counts().reply_bytes; }

}  // namespace sluice
