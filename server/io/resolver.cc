#include "io/resolver.h"

#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "core/mutex.h"

namespace sluice {
namespace {

constexpr size_t kMaxAddresses = 16;

using Answer = absl::StatusOr<SocketAddresses>;

Answer Ask(const std::string& host, uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &found);
  if (error == EAI_SYSTEM) return absl::UnavailableError(std::strerror(errno));
  if (error != 0) return absl::UnavailableError(gai_strerror(error));
  SocketAddresses addresses;
  for (const addrinfo* one = found; one != nullptr && addresses.size() < kMaxAddresses;
       one = one->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.size = one->ai_addrlen;
  }
  freeaddrinfo(found);
  return addresses;
}

struct Question {
  std::string host;
  uint16_t port = 0;
  EventLoop* loop = nullptr;  // null: taken back. Guarded by the resolver's lock.
  // Of the loop alone.
  std::function<void(Answer)> told;
};

void PostAnswer(const std::shared_ptr<Question>& question, Answer answer) {
  question->loop->Post([question, answer = std::move(answer)]() mutable {
    // Moved, as it may destroy the lookup and with it what it holds itself.
    const std::function<void(Answer)> told = std::move(question->told);
    if (told) told(std::move(answer));
  });
}

class Resolver {
 public:
  Resolver() {
    // Nobody waits for it: at the process's end it may be in the middle of a question.
    std::thread([this] { Run(); }).detach();
  }

  void Add(std::shared_ptr<Question> question) {
    MutexLock lock(mutex_);
    waiting_.push_back(std::move(question));
    came_.NotifyOne();
  }

  void TakeBack(const std::shared_ptr<Question>& question) {
    MutexLock lock(mutex_);
    question->loop = nullptr;
    waiting_.erase(std::remove(waiting_.begin(), waiting_.end(), question), waiting_.end());
  }

 private:
  void Run() {
    while (true) {
      const std::shared_ptr<Question> question = Next();
      Answer answer = Ask(question->host, question->port, 0);
      MutexLock lock(mutex_);
      // Under the lock, so that the loop does not end meanwhile.
      if (question->loop != nullptr) PostAnswer(question, std::move(answer));
    }
  }

  std::shared_ptr<Question> Next() {
    MutexLock lock(mutex_);
    while (waiting_.empty()) came_.Wait(mutex_);
    std::shared_ptr<Question> next = std::move(waiting_.front());
    waiting_.pop_front();
    return next;
  }

  Mutex mutex_;
  CondVar came_;
  std::deque<std::shared_ptr<Question>> waiting_ ABSL_GUARDED_BY(mutex_);
};

// Never destroyed: its thread runs until the process ends.
Resolver& SharedResolver() {
  static Resolver& resolver = *new Resolver;
  return resolver;
}

class PendingLookup final : public Lookup {
 public:
  PendingLookup(std::shared_ptr<Question> question, bool asked)
      : question_(std::move(question)), asked_(asked) {}
  ~PendingLookup() override {
    question_->told = nullptr;
    if (asked_) SharedResolver().TakeBack(question_);
  }

 private:
  const std::shared_ptr<Question> question_;
  const bool asked_;
};

}  // namespace

std::unique_ptr<Lookup> Resolve(EventLoop& loop, const std::string& host, uint16_t port,
                                std::function<void(absl::StatusOr<SocketAddresses>)> told) {
  auto question = std::make_shared<Question>(Question{host, port, &loop, std::move(told)});
  Answer address = Ask(host, port, AI_NUMERICHOST);
  const bool is_name = !address.ok();
  if (is_name) {
    SharedResolver().Add(question);
  } else {
    PostAnswer(question, std::move(address));
  }
  return std::make_unique<PendingLookup>(std::move(question), is_name);
}

}  // namespace sluice
