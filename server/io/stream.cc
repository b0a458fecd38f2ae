#include "io/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "io/resolver.h"
#include "io/tls_session.h"

namespace sluice {
namespace {

constexpr size_t kChunk = 64 * 1024;
// A stream that brings more than this waits for the others of the loop to have their turn.
constexpr int kChunksPerWakeup = 4;
// Memory that a burst has needed is kept up to here.
constexpr size_t kKeptCapacity = 1024 * 1024;

// Where bytes of a socket, and those that TLS made of them, stand while a listener looks at them. A
// loop reads one stream at a time.
struct Buffers {
  std::array<char, kChunk> wire;
  std::array<char, kChunk> plain;
};
Buffers& LoopBuffers() {
  static thread_local const std::unique_ptr<Buffers> buffers = std::make_unique<Buffers>();
  return *buffers;
}

// What a socket has not taken yet.
class Outgoing {
 public:
  std::string& bytes() { return bytes_; }
  absl::string_view rest() const { return absl::string_view(bytes_).substr(sent_); }
  void Sent(size_t size) {
    sent_ += size;
    if (sent_ == bytes_.size()) {
      Clear();
    } else if (sent_ > bytes_.size() / 2) {
      bytes_.erase(0, sent_);
      sent_ = 0;
    }
  }
  void Clear() {
    bytes_.clear();
    if (bytes_.capacity() > kKeptCapacity) bytes_.shrink_to_fit();
    sent_ = 0;
  }

 private:
  std::string bytes_;
  size_t sent_ = 0;
};

// A socket that has bound itself to the port that it was to connect to talks to itself.
bool IsConnectedToItself(int fd) {
  sockaddr_storage own{};
  sockaddr_storage peer{};
  socklen_t own_size = sizeof(own);
  socklen_t peer_size = sizeof(peer);
  return getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) == 0 &&
         getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0 &&
         own.ss_family != AF_UNIX && own_size == peer_size &&
         std::memcmp(&own, &peer, own_size) == 0;
}

SocketAddress UnixAddress(const std::string& path) {
  SocketAddress address;
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.data(), path.size());
  std::memcpy(&address.storage, &un, sizeof(un));
  address.size = sizeof(un);
  return address;
}

class SocketStream final : public Stream, EventLoop::Watcher {
 public:
  SocketStream(EventLoop& loop, const Endpoint& endpoint, std::shared_ptr<const TlsClient> tls,
               Listener& listener)
      : loop_(loop), endpoint_(endpoint), tls_(std::move(tls)), listener_(listener) {
    if (endpoint.unix_path.empty()) {
      lookup_ = Resolve(loop, endpoint.host, endpoint.port,
                        [this](absl::StatusOr<SocketAddresses> found) { Found(std::move(found)); });
    } else {
      Later([this] { FoundUnix(); });
    }
  }
  ~SocketStream() override { CloseSocket(); }

  void Write(absl::string_view bytes) override {
    if (state_ != State::kOpen || bytes.empty()) return;
    (session_ == nullptr ? outgoing_.bytes() : unencrypted_).append(bytes.data(), bytes.size());
    if (flushing_ || send_error_ != 0) return;
    flushing_ = true;
    loop_.AtEndOfWakeup(IfAlive([this] { Flush(); }));
  }
  size_t unsent() const override { return unencrypted_.size() + outgoing_.rest().size(); }

 private:
  enum class State { kResolving, kConnecting, kHandshaking, kOpen, kClosed };

  template <class Task>
  std::function<void()> IfAlive(Task task) {
    return [alive = std::weak_ptr<void>(alive_), task = std::move(task)] {
      if (!alive.expired()) task();
    };
  }
  template <class Task>
  void Later(Task task) {
    loop_.Post(IfAlive(std::move(task)));
  }

  void Found(absl::StatusOr<SocketAddresses> found) {
    if (!found.ok()) return CannotConnect(found.status().message());
    addresses_ = *std::move(found);
    TryNext();
  }

  void FoundUnix() {
    if (endpoint_.unix_path.size() >= sizeof(sockaddr_un::sun_path)) {
      return CannotConnect("the path of the socket is too long");
    }
    tls_ = nullptr;
    addresses_ = {UnixAddress(endpoint_.unix_path)};
    TryNext();
  }

  void TryNext() {
    CloseSocket();
    int error = 0;
    while (next_address_ < addresses_.size()) {
      error = Try(addresses_[next_address_++]);
      if (error == 0) return;
    }
    CannotConnect(std::strerror(error == 0 ? last_error_ : error));
  }

  // 0, or why it cannot be connected.
  int Try(const SocketAddress& address) {
    fd_ = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return errno;
    if (address.storage.ss_family != AF_UNIX) {
      const int yes = 1;
      setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    }
    const auto* const to = reinterpret_cast<const sockaddr*>(&address.storage);
    if (connect(fd_, to, address.size) != 0 && errno != EINPROGRESS) {
      const int error = errno;
      close(std::exchange(fd_, -1));
      return error;
    }
    state_ = State::kConnecting;
    Watch(EPOLLOUT);
    return 0;
  }

  void Watch(uint32_t events) {
    if (events == watched_) return;
    if (watched_ == 0) {
      loop_.Watch(fd_, events, *this);
    } else {
      loop_.Change(fd_, events);
    }
    watched_ = events;
  }

  void CloseSocket() {
    if (fd_ < 0) return;
    loop_.Forget(fd_);
    watched_ = 0;
    close(std::exchange(fd_, -1));
  }

  void OnEvents(uint32_t events) override {
    if (state_ == State::kConnecting) return Connected(events);
    if ((events & EPOLLOUT) != 0) {
      const std::weak_ptr<void> alive = alive_;
      Send();
      if (alive.expired() || state_ == State::kClosed) return;
    }
    if ((events & ~uint32_t{EPOLLOUT}) != 0) Receive();
  }

  void Connected(uint32_t events) {
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0 && (events & EPOLLERR) != 0) error = EIO;
    if (error == 0 && IsConnectedToItself(fd_)) error = ECONNREFUSED;
    if (error != 0) {
      last_error_ = error;
      return TryNext();
    }
    Watch(EPOLLIN);
    if (tls_ == nullptr) return Open();
    absl::StatusOr<std::unique_ptr<TlsSession>> session = tls_->NewSession(endpoint_.host);
    if (!session.ok()) return CannotConnect(session.status().message());
    session_ = *std::move(session);
    state_ = State::kHandshaking;
    Handshake();
  }

  void Open() {
    state_ = State::kOpen;
    listener_.OnConnected();
  }

  void Handshake() {
    const absl::StatusOr<bool> done = session_->Handshake();
    session_->TakeWire(outgoing_.bytes());
    const std::weak_ptr<void> alive = alive_;
    Send();
    if (alive.expired() || state_ == State::kClosed) return;
    if (!done.ok()) return CannotConnect(done.status().message());
    if (*done) Open();
  }

  void Flush() {
    flushing_ = false;
    if (state_ != State::kOpen) return;
    if (session_ != nullptr) {
      const absl::Status written = session_->Write(unencrypted_);
      unencrypted_.clear();
      session_->TakeWire(outgoing_.bytes());
      if (!written.ok()) return Cut(written.message());
    }
    // Otherwise the socket is full, and tells when it is not.
    if ((watched_ & EPOLLOUT) == 0) Send();
  }

  void Send() {
    while (!outgoing_.rest().empty()) {
      const absl::string_view rest = outgoing_.rest();
      const ssize_t sent = send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        outgoing_.Sent(static_cast<size_t>(sent));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return Watch(EPOLLIN | EPOLLOUT);
      } else if (errno != EINTR) {
        return CannotSend(errno);
      }
    }
    Watch(EPOLLIN);
  }

  // What the peer said before it left is read all the same; then the socket tells that it is gone.
  void CannotSend(int error) {
    outgoing_.Clear();
    unencrypted_.clear();
    if (error != EPIPE && error != ECONNRESET) return Cut(std::strerror(error));
    send_error_ = error;
    Watch(EPOLLIN);
  }

  void Receive() {
    const absl::Span<char> buffer = absl::MakeSpan(LoopBuffers().wire);
    const std::weak_ptr<void> alive = alive_;
    for (int i = 0; i < kChunksPerWakeup; ++i) {
      const ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      if (got < 0) return Cut(std::strerror(errno));
      if (got == 0) return Ended();
      Take(absl::string_view(buffer.data(), static_cast<size_t>(got)));
      if (alive.expired() || state_ == State::kClosed) return;
      if (static_cast<size_t>(got) < buffer.size()) return;
    }
  }

  void Take(absl::string_view bytes) {
    if (session_ == nullptr) return listener_.OnData(bytes);
    const std::weak_ptr<void> alive = alive_;
    session_->Feed(bytes);
    if (state_ == State::kHandshaking) Handshake();
    if (!alive.expired() && state_ == State::kOpen) Decrypt();
  }

  void Decrypt() {
    const absl::Span<char> buffer = absl::MakeSpan(LoopBuffers().plain);
    const std::weak_ptr<void> alive = alive_;
    while (state_ == State::kOpen) {
      const absl::StatusOr<size_t> got = session_->Read(buffer);
      session_->TakeWire(outgoing_.bytes());
      if (absl::IsOutOfRange(got.status())) return Ended();
      if (!got.ok()) return Cut(got.status().message());
      if (*got == 0) break;
      listener_.OnData(absl::string_view(buffer.data(), *got));
      if (alive.expired()) return;
    }
    // What TLS itself has to answer.
    if (state_ == State::kOpen && (watched_ & EPOLLOUT) == 0 && send_error_ == 0) Send();
  }

  void Ended() {
    Cut(send_error_ != 0 ? std::strerror(send_error_) : "the server has closed the connection");
  }

  void Cut(absl::string_view why) {
    if (state_ != State::kOpen) return CannotConnect(why);
    Close(absl::StrCat("the connection to ", endpoint_.ToString(), " was cut: ", why));
  }
  void CannotConnect(absl::string_view why) {
    Close(absl::StrCat("cannot connect to ", endpoint_.ToString(), ": ", why));
  }
  void Close(const std::string& why) {
    state_ = State::kClosed;
    CloseSocket();
    outgoing_.Clear();
    unencrypted_.clear();
    listener_.OnClosed(absl::UnavailableError(why));
  }

  EventLoop& loop_;
  const Endpoint endpoint_;
  std::shared_ptr<const TlsClient> tls_;
  Listener& listener_;

  State state_ = State::kResolving;
  std::unique_ptr<Lookup> lookup_;
  SocketAddresses addresses_;
  size_t next_address_ = 0;
  int last_error_ = 0;

  int fd_ = -1;
  uint32_t watched_ = 0;
  std::unique_ptr<TlsSession> session_;
  std::string unencrypted_;  // with TLS: what is to be encrypted at the end of the wakeup
  Outgoing outgoing_;
  bool flushing_ = false;  // at the end of this wakeup
  int send_error_ = 0;

  // Expires with the stream.
  const std::shared_ptr<void> alive_ = std::make_shared<char>();
};

}  // namespace

std::unique_ptr<Stream> Connect(EventLoop& loop, const Endpoint& endpoint,
                                std::shared_ptr<const TlsClient> tls, Stream::Listener& listener) {
  return std::make_unique<SocketStream>(loop, endpoint, std::move(tls), listener);
}

}  // namespace sluice
