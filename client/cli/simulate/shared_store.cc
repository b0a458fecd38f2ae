#include "cli/simulate/shared_store.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "backend/redis/redis_backend.h"
#include "core/clock.h"
#include "core/key.h"
#include "core/mutex.h"
#include "core/rate.h"
#include "io/event_loop.h"
#include "policy/redis_address.h"

namespace sluice::cli {
namespace {

// A host that drops what it is sent is known by silence.
constexpr int64_t kPatienceUs = 2 * kSecondUs;
// So many keys are removed by one command.
constexpr size_t kMostRemoved = 1000;

absl::Status About(const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("--backend: ", status.message()));
}

absl::StatusOr<RedisOptions> OptionsOf(const std::string& text) {
  const absl::StatusOr<RedisUrl> url = ParseRedisUrl(text);
  if (!url.ok()) return url.status();
  RedisConnectionSpec connection;
  const std::vector<RedisAddressProblem> problems = TakeAddresses({*url}, connection);
  if (!problems.empty()) return absl::InvalidArgumentError(problems.front().what);

  RedisOptions options;
  const RedisAddress& address = connection.addresses.front();
  options.addresses = {{address.host, static_cast<uint16_t>(address.port), address.unix_path}};
  options.login = {connection.login.username, connection.login.password, ""};
  options.database = connection.database;
  if (connection.tls.has_value()) {
    auto tls = NewTlsClient({});
    if (!tls.ok()) return tls.status();
    options.tls = *std::move(tls);
  }
  options.connect_timeout_us = options.reply_timeout_us = kPatienceUs;
  options.virtual_time = true;
  // Commands of one connection run in the order in which they are sent.
  options.coalesce = false;
  return options;
}

// Counts down what is not answered yet.
class Countdown {
 public:
  explicit Countdown(size_t count) : left_(count) {}
  // Keeps the first error.
  void Answered(const absl::Status& status) {
    MutexLock lock(mutex_);
    status_.Update(status);
    if (--left_ == 0) answered_.NotifyAll();
  }
  absl::Status Wait() {
    MutexLock lock(mutex_);
    while (left_ > 0) answered_.Wait(mutex_);
    return status_;
  }

 private:
  Mutex mutex_;
  CondVar answered_;
  size_t left_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

class Asked final : public Decision {
 public:
  Asked(const Charge& charge, int64_t at_us, Countdown& countdown)
      : charge_{charge}, countdown_(countdown) {
    charges = charge_;
    verdicts = absl::MakeSpan(verdict_);
    now_us = at_us;
  }
  void Done(absl::Status status) override { countdown_.Answered(status); }

  const Verdict& verdict() const { return verdict_[0]; }

 private:
  const std::array<Charge, 1> charge_;
  std::array<Verdict, 1> verdict_{};
  Countdown& countdown_;
};

class Removal final : public Forgetting {
 public:
  explicit Removal(absl::Span<const CounterKey> wanted) { keys = wanted; }
  void Done(absl::Status status) override { countdown_.Answered(status); }
  absl::Status Wait() { return countdown_.Wait(); }

 private:
  Countdown countdown_{1};
};

class RedisPlayer final : public Player {
 public:
  // Both outlive it, and `keys` belongs to no other player.
  RedisPlayer(const Contestant& contestant, const std::string& name_space, const HashSecret& secret,
              Backend& backend, std::deque<CounterKey>& keys)
      : Player(contestant),
        strategy_(contestant.strategy),
        name_space_(name_space),
        secret_(secret),
        backend_(backend),
        keys_(keys) {}

  absl::Status Play(absl::Span<const Question> questions, std::vector<Answer>& answers) override {
    answers.clear();
    // The terms of a calendar may have to be asked for once more, behind what was sent meanwhile.
    const size_t most = limit_->calendar() ? 1 : questions.size();
    for (size_t at = 0; at < questions.size(); at += most) {
      absl::Status played = PlayTogether(questions.subspan(at, most), answers);
      if (!played.ok()) return played;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status PlayTogether(absl::Span<const Question> questions, std::vector<Answer>& answers) {
    Countdown countdown(questions.size());
    std::deque<Asked> asked;
    const size_t first = answers.size();
    for (const Question& question : questions) {
      const TraceRow& row = question.row;
      const int tag = limit_->TagOf(question.context);
      const absl::string_view split = limit_->SplitOf(tag);
      const auto [index, fresh] = FindCounter(row.key, split);
      if (fresh) keys_.push_back(KeyOf(row.key, split));
      answers.push_back({.counter = index, .split = split});
      const Charge charge = {keys_[index], *limit_, row.cost,
                             row.op == Op::kHit ? Mode::kTake : Mode::kLook, tag};
      asked.emplace_back(charge, row.t_us, countdown);
      backend_.Decide(asked.back());
    }
    absl::Status answered = countdown.Wait();
    if (!answered.ok()) return About(answered);
    for (size_t i = 0; i < questions.size(); ++i) {
      Answer& answer = answers[first + i];
      answer = AnswerOf(questions[i].row, asked[i].verdict(), answer.counter, answer.split);
    }
    return absl::OkStatus();
  }

  CounterKey KeyOf(absl::string_view key, absl::string_view split) const {
    const std::pair<absl::string_view, absl::string_view> splits[] = {{context_key(), split}};
    const size_t count = split.empty() ? 0 : 1;
    return CounterKey(
        KeyParts{name_space_, "", key, strategy_, absl::MakeSpan(splits, count), limit_->shape()},
        secret_);
  }

  const std::string& strategy_;
  const std::string& name_space_;
  const HashSecret& secret_;
  Backend& backend_;
  std::deque<CounterKey>& keys_;
};

// 64 random bits, so that two runs never meet.
std::string FreshName(const HashSecret& secret) {
  return absl::StrFormat("simulate-%016x", secret.Hash("").high);
}

class RedisStore final : public SharedStore {
 public:
  explicit RedisStore(const RedisOptions& options)
      : secret_(HashSecret::Random()),
        name_space_(FreshName(secret_)),
        clock_(NewSystemClock()),
        loop_(NewEventLoop(*clock_)),
        backend_(NewRedisBackend(options, {loop_.get()})) {}

  // Whether it answers, and runs the script.
  absl::Status Probe() {
    const absl::StatusOr<Limit> limit = Limit::Create("gcra", *Rate::Create(1, kSecondUs));
    const CounterKey key(KeyParts{name_space_, "", "", "probe", {}, limit->shape()}, secret_);
    Countdown countdown(1);
    Asked look({key, *limit, 1, Mode::kLook}, 0, countdown);
    backend_->Decide(look);
    return countdown.Wait();
  }

  std::unique_ptr<Player> NewPlayer(const Contestant& contestant) override {
    keys_.emplace_back();
    return std::make_unique<RedisPlayer>(contestant, name_space_, secret_, *backend_, keys_.back());
  }

  absl::Status RemoveKeys() override {
    for (std::deque<CounterKey>& keys : keys_) {
      while (!keys.empty()) {
        const size_t count = std::min(keys.size(), kMostRemoved);
        const std::vector<CounterKey> some(std::make_move_iterator(keys.begin()),
                                           std::make_move_iterator(keys.begin() + count));
        keys.erase(keys.begin(), keys.begin() + count);
        Removal removal(some);
        backend_->Forget(removal);
        const absl::Status removed = removal.Wait();
        if (!removed.ok()) {
          return absl::Status(removed.code(),
                              absl::StrCat("--backend: keys {", name_space_,
                                           ":*} are left there: ", removed.message()));
        }
      }
    }
    return absl::OkStatus();
  }

 private:
  const HashSecret secret_;
  const std::string name_space_;
  const std::unique_ptr<Clock> clock_;
  const std::unique_ptr<EventLoop> loop_;
  const std::unique_ptr<Backend> backend_;
  std::deque<std::deque<CounterKey>> keys_;  // those of each player
};

}  // namespace

absl::StatusOr<std::unique_ptr<SharedStore>> ConnectStore(const std::string& url) {
  const absl::StatusOr<RedisOptions> options = OptionsOf(url);
  if (!options.ok()) return About(options.status());
  auto store = std::make_unique<RedisStore>(*options);
  const absl::Status answers = store->Probe();
  if (!answers.ok()) return About(answers);
  return store;
}

}  // namespace sluice::cli
