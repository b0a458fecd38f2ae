#include "tests/conformance/slipped_backend.h"

#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "backend/redis/router.h"
#include "backend/redis/script.h"
#include "backend/redis/script_call.h"
#include "core/digest.h"
#include "strategy/limit.h"
#include "tests/fakes/on_loop.h"

namespace sluice {
namespace {

constexpr int64_t kPatienceUs = 10'000'000;
constexpr int kMostStale = 4;

class SlippedBackend final : public Backend {
 public:
  SlippedBackend(const RedisOptions& options, std::string script, EventLoop& loop)
      : options_(options),
        scripts_({std::move(script)}),
        sha1_(absl::BytesToHexString(Sha1(scripts_[0]))),
        loop_(loop) {
    RunOn(loop_, [this] { router_ = NewRouter(options_, scripts_, counts_, loop_); });
  }
  ~SlippedBackend() override {
    RunOn(loop_, [this] { router_ = nullptr; });
  }

  void Decide(Decision& decision) override {
    absl::InlinedVector<int64_t, 2> around;
    for (const Charge& charge : decision.charges) {
      around.push_back(decision.now_us / charge.limit.tick_us());
    }
    loop_.Post([this, &decision, around = std::move(around)] { Ask(decision, around, 0); });
  }
  void Forget(Forgetting& forgetting) override {
    forgetting.Done(absl::UnimplementedError("it only decides"));
  }
  BackendStats Stats() const override { return {}; }

 private:
  using Around = absl::InlinedVector<int64_t, 2>;

  class Call final : public RedisCall {
   public:
    Call(SlippedBackend& backend, Decision& decision, Around around, int times_stale)
        : backend_(backend),
          decision_(decision),
          around_(std::move(around)),
          times_stale_(times_stale),
          script_(backend.options_) {
      script_.Add(decision, around_);
      command = absl::StrReplaceAll(script_.Format(decision.now_us),
                                    {{TheDecideScript().sha1, backend.sha1_}});
      deadline_us = backend.loop_.now_us() + kPatienceUs;
    }
    void OnReply(const redisReply& reply) override {
      auto read = ScriptReply::Of(script_, reply);
      if (!read.ok()) return decision_.Done(read.status());
      if (read->Read(decision_, around_) == ScriptReply::Answer::kDecided) {
        return decision_.Done(absl::OkStatus());
      }
      backend_.Ask(decision_, around_, times_stale_ + 1);
    }
    void OnError(const absl::Status& status) override { decision_.Done(status); }

   private:
    SlippedBackend& backend_;
    Decision& decision_;
    Around around_;
    const int times_stale_;
    ScriptCall script_;
  };

  void Ask(Decision& decision, const Around& around, int times_stale) {
    // A script with a slip may never be content with the instants.
    if (times_stale == kMostStale) {
      return decision.Done(absl::InternalError("the times of its keys kept changing"));
    }
    router_->Send(std::make_unique<Call>(*this, decision, around, times_stale));
  }

  const RedisOptions options_;
  const std::vector<std::string> scripts_;
  const std::string sha1_;
  EventLoop& loop_;
  RouterCounts counts_;
  std::unique_ptr<Router> router_;  // on the loop
};

}  // namespace

std::unique_ptr<Backend> NewSlippedBackend(const RedisOptions& options, std::string script,
                                           EventLoop& loop) {
  return std::make_unique<SlippedBackend>(options, std::move(script), loop);
}

}  // namespace sluice
