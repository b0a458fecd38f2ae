#include "backend/redis/forget.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/key.h"

namespace sluice {
namespace {

// Not on anybody's way: it may take longer than a decision.
constexpr int64_t kPatienceUs = 1'000'000;
constexpr int64_t kPauseUs = 20'000;
constexpr absl::string_view kScanCount = "500";
// UNLINK, where what Redis still has may be out of use (RedisOptions::virtual_time).
constexpr absl::string_view kVirtualUnlink = R"lua(
  local in_use = 0
  for _, key in ipairs(KEYS) do
    if redis.call('PEXPIRETIME', key) > tonumber(ARGV[1]) then in_use = in_use + 1 end
    redis.call('UNLINK', key)
  end
  return in_use
)lua";

// What SCAN's patterns would read as something else.
std::string Literal(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    if (absl::StrContains("*?[]^-\\", absl::string_view(&c, 1))) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

// One forgetting on its way. Its calls hold it; with the last of them it is answered.
class Sweep {
 public:
  Sweep(Router& router, const RedisOptions& options, EventLoop& loop, Forgetting& forgetting,
        std::function<void()> done)
      : router_(router),
        options_(options),
        loop_(loop),
        forgetting_(forgetting),
        done_(std::move(done)) {}
  ~Sweep() {
    forgetting_.forgotten = forgotten_;
    forgetting_.Done(std::move(status_));
    done_();
  }
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  static void Run(const std::shared_ptr<Sweep>& sweep) {
    if (sweep->forgetting_.scope.has_value()) {
      sweep->ScanAll(sweep);
    } else {
      sweep->UnlinkKeys(sweep);
    }
  }

 private:
  using Held = std::shared_ptr<Sweep>;
  using Reader = std::function<void(const redisReply&)>;

  class Call final : public RedisCall {
   public:
    Call(Held sweep, Reader reader) : sweep_(std::move(sweep)), reader_(std::move(reader)) {}
    void OnReply(const redisReply& reply) override { reader_(reply); }
    void OnError(const absl::Status& status) override { sweep_->status_.Update(status); }

   private:
    const Held sweep_;
    const Reader reader_;
  };

  std::unique_ptr<Call> NewCall(const Held& self, absl::Span<const absl::string_view> arguments,
                                Reader reader) {
    auto call = std::make_unique<Call>(self, std::move(reader));
    call->command = FormatCommand(arguments);
    call->deadline_us = loop_.now_us() + kPatienceUs;
    return call;
  }

  void UnlinkKeys(const Held& self) {
    std::set<std::string> keys;
    for (const CounterKey& key : forgetting_.keys) keys.insert(key.ToString(options_.hash_tag));
    Unlink(self, keys);
  }

  // A command for each slot.
  void Unlink(const Held& self, const std::set<std::string>& keys) {
    std::map<uint16_t, std::vector<absl::string_view>> slots;
    for (const std::string& key : keys) {
      const bool cluster = options_.mode == RedisOptions::Mode::kCluster;
      slots[cluster ? SlotOf(key) : 0].push_back(key);
    }
    for (const auto& [slot, names] : slots) {
      const std::string count = absl::StrCat(names.size());
      const std::string now_ms = absl::StrCat(forgetting_.now_us / 1000 + kVirtualAgeMs);
      std::vector<absl::string_view> command = {"UNLINK"};
      if (options_.virtual_time) command = {"EVAL", kVirtualUnlink, count};
      command.insert(command.end(), names.begin(), names.end());
      if (options_.virtual_time) command.push_back(now_ms);
      auto call = NewCall(self, command, [this](const redisReply& reply) {
        if (reply.type == REDIS_REPLY_INTEGER) forgotten_ += reply.integer;
      });
      call->slot = slot;
      router_.Send(std::move(call));
    }
  }

  // Just started, a router knows no primaries yet.
  void ScanAll(const Held& self) {
    const std::vector<Endpoint> primaries = router_.Primaries();
    for (const Endpoint& primary : primaries) Scan(self, primary, "0");
    if (!primaries.empty()) return;
    if (loop_.now_us() >= gives_up_us_) {
      status_ = NotRun(absl::UnavailableError("no Redis is reached"));
      return;
    }
    again_ = loop_.NewTimer([self] {
      // It ends with its task, and what it holds with it.
      const std::unique_ptr<EventLoop::Timer> ends = std::move(self->again_);
      self->ScanAll(self);
    });
    again_->Set(loop_.now_us() + kPauseUs);
  }

  void Scan(const Held& self, const Endpoint& primary, absl::string_view cursor) {
    const std::string pattern = PatternOf(*forgetting_.scope, options_.hash_tag);
    router_.SendTo(primary,
                   NewCall(self, {"SCAN", cursor, "MATCH", pattern, "COUNT", kScanCount},
                           [this, primary, weak = std::weak_ptr<Sweep>(self)](
                               const redisReply& reply) { Scanned(weak.lock(), primary, reply); }));
  }

  void Scanned(const Held& self, const Endpoint& primary, const redisReply& reply) {
    const bool is_page = reply.type == REDIS_REPLY_ARRAY && reply.elements == 2 &&
                         reply.element[0]->type == REDIS_REPLY_STRING &&
                         reply.element[1]->type == REDIS_REPLY_ARRAY;
    if (!is_page) {
      status_.Update(absl::InternalError("SCAN answered something else"));
      return;
    }
    std::set<std::string> keys;
    for (size_t i = 0; i < reply.element[1]->elements; ++i) {
      const redisReply& key = *reply.element[1]->element[i];
      const absl::string_view text(key.str, static_cast<size_t>(key.len));
      if (IsOf(text, *forgetting_.scope, forgetting_.name_spaces, options_.hash_tag)) {
        keys.emplace(text);
      }
    }
    Unlink(self, keys);
    const absl::string_view cursor(reply.element[0]->str,
                                   static_cast<size_t>(reply.element[0]->len));
    if (cursor != "0") Scan(self, primary, cursor);
  }

  Router& router_;
  const RedisOptions& options_;
  EventLoop& loop_;
  Forgetting& forgetting_;
  const std::function<void()> done_;
  const int64_t gives_up_us_ = loop_.now_us() + kPatienceUs;
  std::unique_ptr<EventLoop::Timer> again_;
  absl::Status status_;
  int64_t forgotten_ = 0;
};

}  // namespace

std::string PatternOf(const KeyScope& scope, HashTag hash_tag) {
  const std::string tenant = scope.tenant() ? Literal(EncodeKeyPart(*scope.tenant())) : "*";
  const std::string throttle = scope.throttle() ? Literal(EncodeKeyPart(*scope.throttle())) : "*";
  return hash_tag == HashTag::kTenant ? absl::StrCat("{*:", tenant, "}:*:", throttle, ":*")
                                      : absl::StrCat("{*:", tenant, ":*}:", throttle, ":*");
}

bool IsOf(absl::string_view key, const KeyScope& scope, absl::Span<const std::string> name_spaces,
          HashTag hash_tag) {
  // {ns:tenant:tag}:throttle:...:shape or {ns:tenant}:tag:throttle:...:shape; no part holds a `:`.
  const std::vector<absl::string_view> parts = absl::StrSplit(key, ':');
  const size_t tag_ends = hash_tag == HashTag::kTenant ? 1 : 2;
  if (parts.size() < 5 || !absl::StartsWith(parts[0], "{") ||
      !absl::EndsWith(parts[tag_ends], "}")) {
    return false;
  }
  absl::string_view tenant = parts[1];
  if (tag_ends == 1) tenant.remove_suffix(1);
  const absl::string_view name_space = parts[0].substr(1);
  const bool ours = name_spaces.empty() ||
                    std::any_of(name_spaces.begin(), name_spaces.end(), [&](const auto& each) {
                      return EncodeKeyPart(each) == name_space;
                    });
  return ours && (!scope.tenant() || EncodeKeyPart(*scope.tenant()) == tenant) &&
         (!scope.throttle() || EncodeKeyPart(*scope.throttle()) == parts[3]);
}

void ForgetThrough(Router& router, const RedisOptions& options, EventLoop& loop,
                   Forgetting& forgetting, std::function<void()> done) {
  Sweep::Run(std::make_shared<Sweep>(router, options, loop, forgetting, std::move(done)));
}

}  // namespace sluice
