#include "main/backends.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backend/redis/redis_backend.h"
#include "io/tls.h"

namespace sluice {
namespace {

MemoryOptions OptionsOf(const BackendSpec& spec) {
  MemoryOptions options;
  options.max_keys = spec.max_keys;
  options.allow_when_full = spec.on_full == OnFull::kAllow;
  return options;
}

ResilientOptions OptionsOf(const RedisSpec& spec) {
  ResilientOptions options;
  options.deadline_us = spec.deadline_us;
  options.breaker = {spec.failure_threshold, spec.recovery_timeout_us, spec.success_threshold};
  options.retry = {spec.max_retries, spec.retry_delay_us, spec.retry_multiplier};
  return options;
}

RedisOptions::Mode ModeOf(RedisConnectionSpec::Mode mode) {
  switch (mode) {
    case RedisConnectionSpec::Mode::kSentinel:
      return RedisOptions::Mode::kSentinel;
    case RedisConnectionSpec::Mode::kCluster:
      return RedisOptions::Mode::kCluster;
    case RedisConnectionSpec::Mode::kSingle:
      break;
  }
  return RedisOptions::Mode::kSingle;
}

RedisLogin LoginOf(const RedisLoginSpec& spec) {
  return {spec.username, spec.password, spec.password_file};
}

absl::StatusOr<RedisOptions> ConnectionOf(const std::string& name, const RedisSpec& spec) {
  const RedisConnectionSpec& connection = spec.connection;
  RedisOptions options;
  options.mode = ModeOf(connection.mode);
  options.addresses.reserve(connection.addresses.size());
  for (const RedisAddress& address : connection.addresses) {
    options.addresses.push_back(
        {address.host, static_cast<uint16_t>(address.port), address.unix_path});
  }
  options.sentinel_master = connection.sentinel_master;
  options.login = LoginOf(connection.login);
  options.sentinel_login = LoginOf(connection.sentinel_login);
  options.database = connection.database;
  if (connection.tls.has_value()) {
    const RedisTlsSpec& tls = *connection.tls;
    const auto warn = [name](const absl::Status& wrong) {
      spdlog::warn("backend={} tls: {}; new connections use what was read before", name,
                   std::string(wrong.message()));
    };
    auto client = NewTlsClient({tls.ca_file, tls.cert_file, tls.key_file, tls.server_name, warn});
    if (!client.ok()) return client.status();
    options.tls = *std::move(client);
  }
  options.connect_timeout_us = connection.connect_timeout_us;
  options.reply_timeout_us = spec.deadline_us;
  options.connections = connection.connections;
  options.max_inflight = static_cast<size_t>(connection.max_inflight);
  options.hash_tag = connection.hash_tag;
  return options;
}

// Without secrets.
std::string Describe(const RedisOptions& options) {
  const absl::string_view mode = options.mode == RedisOptions::Mode::kCluster    ? "cluster"
                                 : options.mode == RedisOptions::Mode::kSentinel ? "sentinel"
                                                                                 : "single";
  const std::string addresses =
      absl::StrJoin(options.addresses, ",", [](std::string* out, const Endpoint& endpoint) {
        absl::StrAppend(out, endpoint.ToString());
      });
  return absl::StrCat("mode=", mode, " addresses=", addresses,
                      " tls=", options.tls == nullptr ? "off" : "on");
}

}  // namespace

absl::StatusOr<std::vector<std::shared_ptr<Backend>>> Backends::Adopt(const PolicySet& policy) {
  std::vector<Row> before;
  {
    MutexLock lock(mutex_);
    before = rows_;
  }
  std::vector<Row> rows;
  rows.reserve(policy.backends.size());
  for (const BackendSpec& spec : policy.backends) {
    const auto kept = std::find_if(before.begin(), before.end(),
                                   [&](const Row& row) { return Serves(row, spec); });
    absl::StatusOr<Row> row = kept != before.end() ? *kept : Make(spec);
    if (!row.ok()) return row.status();
    rows.push_back(*std::move(row));
  }
  std::vector<std::shared_ptr<Backend>> named;
  named.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    Configure(rows[i], policy.backends[i]);
    named.push_back(rows[i].backend);
  }
  Replace(std::move(rows));
  return named;
}

void Backends::Replace(std::vector<Row> rows) {
  std::vector<std::string> made;
  std::vector<std::string> recovered;
  {
    MutexLock lock(mutex_);
    for (Row& row : rows) {
      const Row* const before = FindRow(row.name);
      if (before == nullptr || row.resilient == nullptr) continue;
      row.breaker = before->breaker;
      if (row.backend != before->backend) made.push_back(row.name);
    }
    for (const Row& row : rows_) {
      const auto next = std::find_if(rows.begin(), rows.end(),
                                     [&](const Row& each) { return each.name == row.name; });
      if (next != rows.end() && next->backend == row.backend) continue;
      removed_.push_back(row.backend);
      if (row.resilient == nullptr) continue;
      row.troubles->Close();
      // Its breaker will tell nobody any more that it closes; that of the next may.
      const bool stays_open = next != rows.end() && next->breaker == BreakerMode::kForcedOpen;
      if (row.resilient->breaker() != BreakerState::kClosed && !stays_open) {
        recovered.push_back(row.name);
      }
    }
    rows_ = std::move(rows);
  }
  for (const std::string& name : made) ApplyBreaker(name);
  for (const std::string& name : recovered) recovered_(name);
}

void Backends::ApplyBreaker(absl::string_view name) {
  Row applied;
  while (true) {
    {
      MutexLock lock(mutex_);
      const Row* const row = FindRow(name);
      if (row == nullptr || row->resilient == nullptr) return;
      if (row->backend == applied.backend && row->breaker == applied.breaker) return;
      applied = *row;
    }
    applied.resilient->SetBreaker(applied.breaker);
  }
}

void Backends::Tend() {
  std::vector<std::pair<std::string, int64_t>> refused;
  std::vector<std::shared_ptr<Backend>> unused;
  {
    MutexLock lock(mutex_);
    for (Row& row : rows_) {
      const int64_t full = row.backend->Stats().full;
      refused.emplace_back(row.name, full - std::exchange(row.reported_full, full));
    }
    const auto used = std::partition(removed_.begin(), removed_.end(),
                                     [](const auto& backend) { return backend.use_count() > 1; });
    unused.assign(used, removed_.end());
    removed_.erase(used, removed_.end());
  }
  for (const auto& [name, more] : refused) {
    if (more == 0) continue;
    spdlog::warn(
        "full backend={} refused={}: every counter in reach was at its limit (raise max_keys, or "
        "limit by something that callers cannot make up)",
        name, more);
  }
}

absl::Status Backends::Set(absl::string_view backend, BreakerMode mode) {
  {
    MutexLock lock(mutex_);
    Row* const row = FindRow(backend);
    if (row == nullptr) {
      return absl::NotFoundError(absl::StrCat("there is no backend '", backend, "'"));
    }
    if (row->resilient == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat("the backend '", backend, "' is in memory, and has no breaker"));
    }
    row->breaker = mode;
  }
  ApplyBreaker(backend);
  return absl::OkStatus();
}

Backends::Row* Backends::FindRow(absl::string_view name) {
  const auto found =
      std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.name == name; });
  return found == rows_.end() ? nullptr : &*found;
}

bool Backends::Serves(const Row& row, const BackendSpec& spec) {
  if (row.name != spec.name || row.made_of.has_value() != spec.redis.has_value()) return false;
  if (!spec.redis.has_value()) return true;
  // A connection waits for a reply no longer than the deadline that it was made with.
  return row.made_of->connection == spec.redis->connection &&
         row.made_of->deadline_us >= spec.redis->deadline_us;
}

void Backends::Configure(const Row& row, const BackendSpec& spec) {
  if (row.memory != nullptr) {
    row.memory->Resize(OptionsOf(spec));
  } else {
    row.resilient->SetOptions(OptionsOf(*spec.redis));
  }
}

absl::StatusOr<Backends::Row> Backends::Make(const BackendSpec& spec) {
  if (spec.redis.has_value()) return MakeRedis(spec);
  Row row;
  row.name = spec.name;
  std::unique_ptr<MemoryBackend> backend = NewMemoryBackend(OptionsOf(spec));
  row.memory = backend.get();
  row.backend = std::move(backend);
  return row;
}

absl::StatusOr<Backends::Row> Backends::MakeRedis(const BackendSpec& spec) {
  absl::StatusOr<RedisOptions> options = ConnectionOf(spec.name, *spec.redis);
  if (!options.ok()) {
    return absl::Status(
        options.status().code(),
        absl::StrCat("backend '", spec.name, "': tls: ", options.status().message()));
  }
  Row row;
  row.name = spec.name;
  row.made_of = spec.redis;
  // The connections are there before what guards them.
  const auto guard = std::make_shared<std::atomic<ResilientBackend*>>(nullptr);
  row.troubles = std::make_shared<TroubleFilter>(clock_);
  options->on_up = [guard, troubles = row.troubles, name = spec.name] {
    if (ResilientBackend* backend = guard->load()) backend->ProvedAlive();
    if (troubles->PassesWell()) spdlog::info("backend={} redis is reached", name);
  };
  options->on_trouble = [troubles = row.troubles, name = spec.name](const absl::Status& why) {
    if (troubles->Passes(why.message())) {
      spdlog::warn("backend={} {}", name, std::string(why.message()));
    }
  };
  std::unique_ptr<ResilientBackend> backend = NewResilientBackend(
      NewRedisBackend(*options, Loops()), OptionsOf(*spec.redis), HooksOf(spec.name), clock_);
  guard->store(backend.get());
  row.resilient = backend.get();
  row.backend = std::move(backend);
  spdlog::info("backend={} type=redis {}", spec.name, Describe(*options));
  return row;
}

ResilientHooks Backends::HooksOf(const std::string& name) {
  ResilientHooks hooks;
  EventLoop& loop = *Loops().front();
  hooks.after = [&loop](int64_t delay_us, std::function<void()> task) {
    loop.RunAfter(delay_us, std::move(task));
  };
  hooks.on_breaker = [this, name](BreakerState state) {
    if (state == BreakerState::kOpen) {
      spdlog::warn("breaker=open backend={}: it is not asked, and on_error holds", name);
    } else if (state == BreakerState::kClosed) {
      spdlog::info("breaker=closed backend={}: it works again", name);
      recovered_(name);
    }
  };
  return hooks;
}

std::vector<EventLoop*> Backends::Loops() {
  if (loops_.empty()) {
    const unsigned count = std::max(1U, std::thread::hardware_concurrency() / 4);
    for (unsigned i = 0; i < count; ++i) loops_.push_back(NewEventLoop(clock_));
  }
  std::vector<EventLoop*> loops;
  loops.reserve(loops_.size());
  for (const auto& loop : loops_) loops.push_back(loop.get());
  return loops;
}

}  // namespace sluice
