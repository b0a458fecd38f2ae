// What a decision in Redis costs: of Redis's processor time, and of ours without the door.
//
//   redis_bench [--seconds S] [--json FILE]
//
// A redis-server of its own, one connection, 128 decisions in flight, each charge a hit of a
// token bucket. A row is a way to ask; beside them stand bare scripts over the same connection: one
// that does nothing, and one that does the three commands which a decision cannot do without. Then
// the same at half of the load, in an open loop: a decision is due at its time, whether or not
// those before it were answered, and its latency counts from then.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backend/redis/redis_backend.h"
#include "backend/redis/router.h"
#include "core/clock.h"
#include "core/key.h"
#include "core/mutex.h"
#include "core/rate.h"
#include "strategy/limit.h"
#include "tests/fakes/on_loop.h"
#include "tests/fakes/redis/redis_server.h"

namespace sluice {
namespace {

constexpr int kInFlight = 128;
constexpr size_t kKeys = 100'000;
constexpr int64_t kTickUs = 200;  // of the open loop

int64_t OwnCpuUs() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& t) { return int64_t{t.tv_sec} * 1'000'000 + t.tv_usec; };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

struct Row {
  std::string name;
  double per_second = 0;
  double own_cpu_us = 0;    // a decision
  double redis_cpu_us = 0;  // a decision
  double p99_us = 0;        // at half of that load; 0: not asked
  double p999_us = 0;
  int64_t failed = 0;
};

// Something that is asked again and again; `done` is called once for each.
using Ask = std::function<void(size_t i, std::function<void(bool ok)> done)>;

class Bench {
 public:
  Bench(double seconds, const std::function<RedisOptions(RedisServer&)>& options_of)
      : seconds_(seconds), clock_(NewSystemClock()), loop_(NewEventLoop(*clock_)) {
    base_ = options_of(server_);
    for (size_t i = 0; i < kKeys; ++i) {
      keys_.push_back(CounterKey(
          {"bench", "", absl::StrCat("user", i), "api:burst", {}, limit_.shape()}, secret_));
    }
  }

  Row Decisions(std::string name, bool hot, bool pipeline, bool coalesce) {
    RedisOptions options = base_;
    options.pipeline = pipeline;
    options.coalesce = coalesce;
    const std::unique_ptr<Backend> backend = NewRedisBackend(options, {loop_.get()});
    const auto ask = [&](size_t i, std::function<void(bool)> done) {
      backend->Decide(*new OneHit(keys_[hot ? 0 : i * 7919 % kKeys], limit_, std::move(done)));
    };
    Row row = Closed(std::move(name), ask);
    HalfLoad(row, ask);
    return row;
  }

  // A script of its own, over the router alone.
  Row Script(std::string name, const std::string& script) {
    const std::string sha = server_.Cli({"SCRIPT", "LOAD", script});
    const std::vector<std::string> scripts = {script};
    RouterCounts counts;
    std::unique_ptr<Router> router;
    RunOn(*loop_, [&] { router = NewRouter(base_, scripts, counts, *loop_); });
    const auto ask = [&](size_t i, std::function<void(bool)> done) {
      loop_->Post([&, i, done = std::move(done)] {
        const std::string key = absl::StrCat("floor:", i * 7919 % kKeys);
        auto call = std::make_unique<BareCall>(done);
        call->command = FormatCommand({"EVALSHA", sha, "1", key});
        call->deadline_us = loop_->now_us() + base_.reply_timeout_us;
        router->Send(std::move(call));
      });
    };
    Row row = Closed(std::move(name), ask);
    RunOn(*loop_, [&] { router = nullptr; });
    return row;
  }

 private:
  class OneHit final : public Decision {
   public:
    OneHit(const CounterKey& key, const Limit& limit, std::function<void(bool)> done)
        : charge_{key, limit, 1, Mode::kTake}, done_(std::move(done)) {
      charges = absl::MakeConstSpan(&charge_, 1);
      verdicts = absl::MakeSpan(&verdict_, 1);
    }
    void Done(absl::Status status) override {
      const std::function<void(bool)> done = std::move(done_);
      delete this;
      done(status.ok());
    }

   private:
    const Charge charge_;
    Verdict verdict_;
    std::function<void(bool)> done_;
  };

  class BareCall final : public RedisCall {
   public:
    explicit BareCall(std::function<void(bool)> done) : done_(std::move(done)) {}
    void OnReply(const redisReply&) override { done_(true); }
    void OnError(const absl::Status&) override { done_(false); }

   private:
    const std::function<void(bool)> done_;
  };

  static void SleepUntil(const Clock& clock, int64_t at_us) {
    const int64_t left_us = at_us - clock.Now();
    if (left_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(left_us));
  }

  // As many as are in flight at once, for so many seconds.
  Row Closed(std::string name, const Ask& ask) {
    std::atomic<size_t> next = 0;
    std::atomic<int64_t> answered = 0;
    std::atomic<int64_t> failed = 0;
    std::atomic<int> open = kInFlight;
    std::atomic<bool> over = false;
    std::function<void()> again = [&] {
      if (over) {
        --open;
        return;
      }
      ask(next++, [&](bool ok) {
        ++(ok ? answered : failed);
        again();
      });
    };
    for (int i = 0; i < kInFlight; ++i) again();
    SleepUntil(*clock_, clock_->Now() + 200'000);  // warm
    const int64_t begun_us = clock_->Now();
    const int64_t before = answered;
    const int64_t own_us = OwnCpuUs();
    const int64_t redis_us = server_.CpuUs();
    SleepUntil(*clock_, begun_us + static_cast<int64_t>(seconds_ * 1e6));
    const auto count = static_cast<double>(std::max<int64_t>(answered - before, 1));
    Row row;
    row.name = std::move(name);
    row.own_cpu_us = static_cast<double>(OwnCpuUs() - own_us) / count;
    row.redis_cpu_us = static_cast<double>(server_.CpuUs() - redis_us) / count;
    row.per_second = count * 1e6 / static_cast<double>(clock_->Now() - begun_us);
    over = true;
    while (open > 0) SleepUntil(*clock_, clock_->Now() + 1'000);
    row.failed = failed;
    return row;
  }

  void HalfLoad(Row& row, const Ask& ask) {
    const double per_us = row.per_second / 2 / 1e6;
    const auto count = static_cast<size_t>(per_us * seconds_ * 1e6);
    std::vector<int64_t> latencies_us(count);
    std::atomic<size_t> answered = 0;
    const int64_t begun_us = clock_->Now();
    for (size_t i = 0; i < count;) {
      const int64_t now_us = clock_->Now();
      for (; i < count; ++i) {
        const int64_t due_us = begun_us + static_cast<int64_t>(static_cast<double>(i) / per_us);
        if (due_us > now_us) break;
        ask(i, [&, i, due_us](bool) {
          latencies_us[i] = clock_->Now() - due_us;
          ++answered;
        });
      }
      SleepUntil(*clock_, now_us + kTickUs);
    }
    while (answered < count) SleepUntil(*clock_, clock_->Now() + 1'000);
    std::sort(latencies_us.begin(), latencies_us.end());
    const auto at = [&](double share) {
      return count == 0
                 ? 0.0
                 : static_cast<double>(
                       latencies_us[static_cast<size_t>(share * static_cast<double>(count - 1))]);
    };
    row.p99_us = at(0.99);
    row.p999_us = at(0.999);
  }

  const double seconds_;
  RedisServer server_;
  RedisOptions base_;
  const std::unique_ptr<Clock> clock_;
  const std::unique_ptr<EventLoop> loop_;
  const HashSecret secret_ = HashSecret::FromSeed(1);
  // Nothing is denied, and no counter is idle before the end: Redis's sweeps of what has expired
  // would be measured instead.
  const Limit limit_ =
      *Limit::Create("token_bucket", *Rate::Parse("1000/hour"), {{"burst_size", "100000000"}});
  std::vector<CounterKey> keys_;
};

void Print(const std::vector<Row>& rows) {
  std::printf("%-34s %12s %12s %14s %16s %9s %9s\n", "", "decisions/s", "our us CPU",
              "Redis us CPU", "a Redis CPU s", "p99 ms", "p99.9 ms");
  for (const Row& row : rows) {
    std::printf("%-34s %12.0f %12.2f %14.2f %16.0f", row.name.c_str(), row.per_second,
                row.own_cpu_us, row.redis_cpu_us, 1e6 / std::max(row.redis_cpu_us, 1e-3));
    if (row.p99_us > 0) std::printf(" %9.2f %9.2f", row.p99_us / 1e3, row.p999_us / 1e3);
    std::printf("%s\n", row.failed > 0 ? absl::StrCat("  failed: ", row.failed).c_str() : "");
  }
}

std::string Json(const std::vector<Row>& rows) {
  const auto line = [](std::string* out, const Row& row) {
    absl::StrAppend(out, R"(  {"name": ")", row.name, R"(", "per_second": )", row.per_second,
                    R"(, "own_cpu_us": )", row.own_cpu_us, R"(, "redis_cpu_us": )",
                    row.redis_cpu_us, R"(, "p99_us": )", row.p99_us, R"(, "p999_us": )",
                    row.p999_us, R"(, "failed": )", row.failed, "}");
  };
  return absl::StrCat("[\n", absl::StrJoin(rows, ",\n", line), "\n]\n");
}

int Run(double seconds, const std::string& json) {
  Bench bench(seconds, [](RedisServer& server) {
    RedisOptions options;
    options.addresses = {*Endpoint::Parse(server.endpoint())};
    options.reply_timeout_us = 1'000'000;
    return options;
  });
  const std::vector<Row> rows = {
      bench.Script("floor: a script that does nothing", "return 1"),
      bench.Script("floor: TIME, GET, SET",
                   "local t = redis.call('TIME') local v = redis.call('GET', KEYS[1]) "
                   "redis.call('SET', KEYS[1], '1700000000000000 5', 'PX', 60000) return v"),
      bench.Decisions("uniform", false, true, true),
      bench.Decisions("uniform, not coalesced", false, true, false),
      bench.Decisions("uniform, neither", false, false, false),
      bench.Decisions("hot key", true, true, true),
      bench.Decisions("hot key, not coalesced", true, true, false),
      bench.Decisions("hot key, neither", true, false, false),
  };
  Print(rows);
  if (json.empty()) return 0;
  std::FILE* file = std::fopen(json.c_str(), "w");
  if (file == nullptr) {
    std::fprintf(stderr, "%s cannot be written\n", json.c_str());
    return 1;
  }
  const std::string text = Json(rows);
  std::fwrite(text.data(), 1, text.size(), file);
  std::fclose(file);
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  double seconds = 2;
  std::string json;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--json") {
      json = argv[i + 1];
    } else if (option != "--seconds" || !absl::SimpleAtod(argv[i + 1], &seconds)) {
      std::fprintf(stderr, "usage: redis_bench [--seconds S] [--json FILE]\n");
      return 2;
    }
  }
  return sluice::Run(seconds, json);
}
