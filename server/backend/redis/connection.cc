#include "backend/redis/connection.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "backend/redis/login.h"

namespace sluice {
namespace {

constexpr int64_t kLeastBetweenAttemptsUs = 100'000;
constexpr int64_t kFirstPauseUs = 50'000;
// With the breaker's recovery_timeout behind it, less than 2 s until Redis decides again.
constexpr int64_t kLongestPauseUs = 500'000;

const std::string& Asking() {
  static const auto& asking = *new std::string(FormatCommand({"ASKING"}));
  return asking;
}

const std::string& AskRole() {
  static const auto& role = *new std::string(FormatCommand({"ROLE"}));
  return role;
}

int64_t PauseUs(size_t failures, size_t endpoints) {
  // Each endpoint has its turn before there is a pause.
  const size_t rounds = failures / std::max<size_t>(endpoints, 1);
  if (rounds == 0) return 0;
  return std::min(kLongestPauseUs, kFirstPauseUs << std::min<size_t>(rounds - 1, 10));
}

}  // namespace

void Batch::Add(absl::Span<const absl::string_view> arguments) {
  bytes += FormatCommand(arguments);
  ++replies;
}

Connection::Connection(const RedisOptions& options, const Manner& manner, RouterCounts& counts,
                       EventLoop& loop, std::mt19937& random, Owner& owner)
    : options_(options),
      manner_(manner),
      counts_(counts),
      loop_(loop),
      random_(random),
      owner_(owner),
      timer_(loop.NewTimer([this] { OnTimer(); })) {}

Connection::~Connection() {
  stream_.reset();
  state_ = State::kIdle;
  hopeful_ = false;
  const absl::Status why = absl::UnavailableError("the connection to redis is closing");
  for (Errand& errand : TakeWritten()) Fail(std::move(errand), kCutError, why, counts_);
  for (Errand& errand : TakeWaiting()) FailNotRun(std::move(errand), kConnectError, why);
}

void Connection::Open(std::vector<Endpoint> endpoints) {
  if (endpoints == endpoints_) return;
  if (ready()) Leave(absl::UnavailableError(Named("is not to be asked any more")));
  stream_.reset();
  reader_.reset();
  endpoints_ = std::move(endpoints);
  at_ = 0;
  failures_ = 0;
  hopeful_ = true;
  PlanAttempt();
}

void Connection::Send(Errand errand) {
  const int64_t now_us = loop_.now_us();
  if (errand.call->deadline_us <= now_us) {
    FailNotRun(std::move(errand), kTimeoutError,
               absl::DeadlineExceededError("the deadline passed before redis was asked"));
    return;
  }
  if (!hopeful_) {
    FailNotRun(std::move(errand), kConnectError,
               absl::UnavailableError(absl::StrCat("not connected: ", why_lost_)));
    return;
  }
  Entry entry;
  if (errand.asking) entry.replies = 2;
  entry.errand = std::move(errand);
  Push(std::move(entry));
}

void Connection::Retire() {
  if (state_ != State::kReady) return;
  retiring_ = true;
  Trim();
  // Not at once: the reply that led here is still being told.
  if (written_ == 0) ArmFor(loop_.now_us());
}

void Connection::GiveUp(const absl::Status& why) {
  if (state_ == State::kReady) return;
  hopeful_ = false;
  why_lost_ = std::string(why.message());
  for (Errand& errand : TakeWaiting()) FailNotRun(std::move(errand), kConnectError, why);
}

void Connection::Attempt() {
  attempted_us_ = loop_.now_us();
  turn_us_ = attempted_us_ + options_.connect_timeout_us;
  state_ = State::kConnecting;
  greeted_ = 0;
  reader_ = std::make_unique<ReplyReader>();
  stream_ = Connect(loop_, endpoint(), options_.tls, *this);
}

void Connection::OnConnected() {
  const absl::StatusOr<std::string> login = AuthCommand(manner_.login);
  if (!login.ok()) {
    Lose(login.status());
    return;
  }
  said_password_ = !login->empty();
  stream_->Write(absl::StrCat(*login, manner_.greeting.bytes, manner_.scripts.bytes,
                              manner_.primary_only ? AskRole() : ""));
  if (!said_password_ && manner_.greeting.replies + manner_.scripts.replies == 0 &&
      !manner_.primary_only) {
    BecomeReady();
  }
}

void Connection::OnGreeted(const redisReply& reply) {
  ++greeted_;
  const int login = said_password_ ? 1 : 0;
  const int last =
      login + manner_.greeting.replies + manner_.scripts.replies + (manner_.primary_only ? 1 : 0);
  if (reply.type == REDIS_REPLY_ERROR) {
    // Of its text only the code: it may quote the password.
    const std::string code(CodeOf(TextOf(reply)));
    const absl::string_view what = greeted_ <= login ? "refused the login: " : "is not usable: ";
    Lose(absl::UnavailableError(Named(absl::StrCat(what, code.substr(0, 32)))));
    return;
  }
  if (greeted_ < last) return;
  if (manner_.primary_only && (reply.type != REDIS_REPLY_ARRAY || reply.elements == 0 ||
                               TextOf(*reply.element[0]) != "master")) {
    Lose(absl::UnavailableError(Named("is no primary")));
    return;
  }
  BecomeReady();
}

void Connection::BecomeReady() {
  state_ = State::kReady;
  hopeful_ = true;
  failures_ = 0;
  owner_.OnReady(*this);
  Pump();
}

void Connection::OnData(absl::string_view bytes) {
  reader_->Feed(bytes);
  // What is told of a reply may lose the connection.
  while (stream_ != nullptr) {
    const absl::StatusOr<ReplyPtr> reply = reader_->Next();
    if (!reply.ok()) {
      Lose(absl::UnavailableError(Named(reply.status().message())));
    } else if (*reply == nullptr) {
      break;
    } else if (state_ == State::kReady) {
      OnReply(**reply);
    } else {
      OnGreeted(**reply);
    }
  }
  // A reply may have made room, and what came meanwhile goes out with the rest of this wakeup.
  Pump();
}

void Connection::OnClosed(const absl::Status& why) { Lose(why); }

void Connection::OnReply(const redisReply& reply) {
  Trim();
  if (written_ == 0) {
    if (manner_.subscribes) {
      owner_.OnPush(reply);
    } else {
      Lose(absl::UnavailableError(Named("answered what it was not asked")));
    }
    return;
  }
  Entry& entry = queue_.front();
  if (--entry.replies > 0) return;
  if (entry.reloads) reloading_ = false;
  Errand errand = std::move(entry.errand);
  Trim();
  if (reply.type == REDIS_REPLY_ERROR) {
    OnErrorReply(std::move(errand), TextOf(reply));
  } else {
    errand.call->OnReply(reply);
  }
  if (retiring_ && written_ == 0) Leave(absl::UnavailableError(Named("is asked anew")));
}

void Connection::OnErrorReply(Errand errand, absl::string_view error) {
  const absl::string_view code = CodeOf(error);
  errand.asking = false;
  if (code == "NOSCRIPT" && !errand.reloaded && manner_.scripts.replies > 0) {
    Reload(std::move(errand));
    return;
  }
  // Its password is another one now.
  if (code == "NOAUTH") Retire();
  if (owner_.OnErrorReply(*this, errand, error)) return;
  FailByReply(std::move(errand), error, endpoint(), counts_);
}

void Connection::Reload(Errand errand) {
  if (errand.call->deadline_us <= loop_.now_us()) {
    FailNotRun(std::move(errand), kTimeoutError,
               absl::DeadlineExceededError(Named("had forgotten the script")));
    return;
  }
  Entry entry;
  errand.reloaded = true;
  entry.errand = std::move(errand);
  if (!reloading_) {
    entry.reloads = true;
    entry.replies += manner_.scripts.replies;
    reloading_ = true;
  }
  Push(std::move(entry));
}

void Connection::Push(Entry entry) {
  const int64_t deadline_us = entry.errand.call->deadline_us;
  deadlines_.emplace(deadline_us, first_ + queue_.size());
  queue_.push_back(std::move(entry));
  ArmFor(deadline_us);
  Pump();
}

void Connection::Pump() {
  if (state_ != State::kReady || retiring_) return;
  for (Trim(); written_ < queue_.size(); ++written_, Trim()) {
    if (!options_.pipeline && written_ > 0) return;
    const Entry& entry = queue_[written_];
    if (entry.replies == 0) continue;
    if (entry.reloads) stream_->Write(manner_.scripts.bytes);
    if (entry.errand.asking) stream_->Write(Asking());
    stream_->Write(entry.errand.call->command);
    if (entry.errand.counted) counts_.commands.fetch_add(1, std::memory_order_relaxed);
  }
}

void Connection::Trim() {
  while (!queue_.empty() && queue_.front().replies == 0) {
    queue_.pop_front();
    ++first_;
    if (written_ > 0) --written_;
  }
}

Connection::Entry* Connection::Find(uint64_t number) {
  if (number < first_ || number - first_ >= queue_.size()) return nullptr;
  Entry& entry = queue_[number - first_];
  return entry.replies == 0 ? nullptr : &entry;
}

void Connection::Lose(const absl::Status& why) {
  counts_.TellTrouble(why);
  Leave(why);
}

void Connection::Leave(const absl::Status& why) {
  const bool worked = state_ == State::kReady;
  stream_.reset();
  reader_.reset();
  retiring_ = false;
  why_lost_ = std::string(why.message());
  if (!worked) ++failures_;
  hopeful_ = worked;
  at_ = (at_ + 1) % endpoints_.size();
  PlanAttempt();
  std::vector<Errand> written = TakeWritten();
  std::vector<Errand> waiting;
  if (!hopeful_) waiting = TakeWaiting();
  owner_.OnLost(*this);
  const absl::Status cut =
      absl::UnavailableError(absl::StrCat("redis was cut off before it answered: ", why.message()));
  for (Errand& errand : written) Fail(std::move(errand), kCutError, cut, counts_);
  for (Errand& errand : waiting) FailNotRun(std::move(errand), kConnectError, why);
}

void Connection::PlanAttempt() {
  state_ = State::kPaused;
  std::uniform_real_distribution<double> jitter(0.0, 0.25);
  const auto stretched = [&](int64_t us) {
    return us + static_cast<int64_t>(static_cast<double>(us) * jitter(random_));
  };
  const int64_t now_us = loop_.now_us();
  turn_us_ = now_us + stretched(PauseUs(failures_, endpoints_.size()));
  if (now_us < attempted_us_ + kLeastBetweenAttemptsUs) {
    turn_us_ = std::max(turn_us_, attempted_us_ + stretched(kLeastBetweenAttemptsUs));
  }
  ArmFor(turn_us_);
}

std::vector<Errand> Connection::TakeWritten() {
  std::vector<Errand> taken;
  taken.reserve(written_);
  for (; written_ > 0; --written_, ++first_) {
    Entry& entry = queue_.front();
    if (entry.reloads) reloading_ = false;
    if (entry.replies > 0) taken.push_back(std::move(entry.errand));
    queue_.pop_front();
  }
  return taken;
}

std::vector<Errand> Connection::TakeWaiting() {
  written_ = queue_.size();
  return TakeWritten();
}

void Connection::FailNotRun(Errand errand, ErrorKind kind, const absl::Status& status) {
  Fail(std::move(errand), kind, NotRun(status), counts_);
}

void Connection::OnTimer() {
  Expire();
  const int64_t now_us = loop_.now_us();
  if (retiring_ && written_ == 0) {
    Leave(absl::UnavailableError(Named("is asked anew")));
  } else if (state_ == State::kConnecting && turn_us_ <= now_us) {
    Lose(absl::UnavailableError(Named("was not ready within connect_timeout")));
  } else if (state_ == State::kPaused && turn_us_ <= now_us) {
    Attempt();
  }
  if (state_ == State::kConnecting || state_ == State::kPaused) ArmFor(turn_us_);
  if (!deadlines_.empty()) ArmFor(deadlines_.top().first);
}

void Connection::Expire() {
  std::vector<Errand> unwritten;
  std::vector<Errand> written;
  const int64_t now_us = loop_.now_us();
  while (!deadlines_.empty()) {
    const auto [deadline_us, number] = deadlines_.top();
    Entry* entry = Find(number);
    if (entry != nullptr && deadline_us > now_us) break;
    deadlines_.pop();
    if (entry == nullptr) continue;
    if (entry->reloads) reloading_ = false;
    entry->replies = 0;
    (number - first_ < written_ ? written : unwritten).push_back(std::move(entry->errand));
  }
  const absl::Status late = absl::DeadlineExceededError(Named("did not answer by the deadline"));
  if (!written.empty()) Lose(late);
  for (Errand& errand : written) Fail(std::move(errand), kTimeoutError, late, counts_);
  for (Errand& errand : unwritten) FailNotRun(std::move(errand), kTimeoutError, late);
}

void Connection::ArmFor(int64_t at_us) {
  if (timer_->is_set() && armed_us_ <= at_us) return;
  armed_us_ = at_us;
  timer_->Set(at_us);
}

std::string Connection::Named(absl::string_view what) const {
  return absl::StrCat("redis ", endpoints_.empty() ? "" : endpoint().ToString(), " ", what);
}

}  // namespace sluice
