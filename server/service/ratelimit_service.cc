#include "service/ratelimit_service.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "core/rate.h"
#include "limiter/fold.h"
#include "service/errors.h"
#include "service/headers.h"
#include "service/rate_unit.h"

namespace sluice {
namespace {

namespace rls = envoy::service::ratelimit::v3;
using envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;

constexpr uint32_t kNoLimitRemaining = std::numeric_limits<uint32_t>::max();
// Far beyond what Envoy sends, and little enough for one call to be short.
constexpr int kMaxDescriptors = 256;
constexpr int kMaxEntries = 64;
constexpr uint64_t kMaxAddend = uint64_t{1} << 63;

uint32_t Clamped(int64_t amount) {
  return static_cast<uint32_t>(std::min<int64_t>(amount, kNoLimitRemaining));
}

void FillLimit(const Line& line, rls::RateLimitResponse::RateLimit& out) {
  const Rate& rate = line.limit->rate();
  if (line.descriptor != nullptr) out.set_name(line.descriptor->name);
  out.set_requests_per_unit(Clamped(rate.limit()));
  const RateUnit unit = UnitOf(rate);
  out.set_unit(unit.unit);
  if (unit.multiplier > 1) out.mutable_unit_multiplier()->set_value(Clamped(unit.multiplier));
}

// Over: the wait, or the period when there is no end to it. OK: until the window ends or the bucket
// is full. Never less than a second, because clients divide by it.
int64_t SecondsUntilReset(const Line& line, bool over) {
  if (!line.judged) return CeilSeconds(kErrorWaitUs);
  const Verdict& verdict = line.verdict;
  int64_t us = verdict.reset_us;
  if (over) {
    us = verdict.wait_us == kNever ? line.limit->rate().period_us() : verdict.wait_us;
  } else if (us == 0) {
    us = line.limit->WindowEndsIn(verdict.now_us);
  }
  return std::max<int64_t>(CeilSeconds(us), 1);
}

void FillStatus(const Line& line, rls::RateLimitResponse::DescriptorStatus& out) {
  const bool over = Denies(line.outcome);
  out.set_code(over ? rls::RateLimitResponse::OVER_LIMIT : rls::RateLimitResponse::OK);
  if (line.outcome == Outcome::kUnlimited) out.set_limit_remaining(kNoLimitRemaining);
  if (line.limit == nullptr) return;
  FillLimit(line, *out.mutable_current_limit());
  const int64_t unjudged = over ? 0 : line.limit->rate().limit();
  out.set_limit_remaining(Clamped(line.judged ? line.verdict.remaining : unjudged));
  out.mutable_duration_until_reset()->set_seconds(SecondsUntilReset(line, over));
}

absl::StatusOr<Rate> OverrideRate(const RateLimitDescriptor::RateLimitOverride& limit) {
  const absl::optional<int64_t> unit_us = UnitUs(limit.unit());
  if (!unit_us.has_value()) {
    return InvalidField("descriptors.limit.unit",
                        "it is not SECOND, MINUTE, HOUR, DAY, MONTH or YEAR");
  }
  const int64_t multiplier = limit.has_unit_multiplier() ? limit.unit_multiplier().value() : 1;
  const int64_t longest = kMaxAmount / *unit_us - 1;
  if (multiplier < 1 || multiplier > longest) {
    return InvalidField("descriptors.limit.unit_multiplier",
                        absl::StrCat("it is outside 1 to ", longest));
  }
  return Rate::Create(limit.requests_per_unit(), *unit_us * multiplier);
}

// How many hits, and what to do with them: a descriptor's own addend is a cost that is known
// already, so it is settled and not asked, and with 0 it only looks.
absl::Status ReadHits(const RateLimitDescriptor& descriptor, uint32_t request_addend,
                      DescriptorCall::Ask& ask) {
  const bool own = descriptor.has_hits_addend();
  const uint64_t hits =
      own ? descriptor.hits_addend().value() : std::max<uint32_t>(request_addend, 1);
  if (hits >= kMaxAddend) {
    return InvalidField("descriptors.hits_addend", "it is 2^63 or more (send less)");
  }
  ask.amount = static_cast<int64_t>(std::min<uint64_t>(hits, kMaxAmount));
  ask.mode = ask.amount == 0                        ? Mode::kLook
             : own || descriptor.is_negative_hits() ? Mode::kSettle
                                                    : Mode::kTake;
  if (descriptor.is_negative_hits()) ask.amount = -ask.amount;
  return absl::OkStatus();
}

absl::Status ReadDescriptor(const RateLimitDescriptor& descriptor, uint32_t request_addend,
                            DescriptorCall::Ask& ask) {
  if (descriptor.entries_size() > kMaxEntries) {
    return InvalidField("descriptors.entries", "a descriptor has more than 64 (send at most 64)");
  }
  for (const RateLimitDescriptor::Entry& entry : descriptor.entries()) {
    ask.entries.push_back({entry.key(), entry.value()});
  }
  if (descriptor.has_limit()) {
    absl::StatusOr<Rate> rate = OverrideRate(descriptor.limit());
    if (!rate.ok()) return rate.status();
    ask.override_rate = *rate;
  }
  return ReadHits(descriptor, request_addend, ask);
}

// Lives from the handler to the reply, and owns itself in between.
class EnvoyCall final : public DescriptorCall {
 public:
  EnvoyCall(const CallContext& context, rls::RateLimitResponse* response, Reply reply)
      : response_(*response), reply_(std::move(reply)) {
    now_us = context.now_us;
    deadline_us = context.deadline_us;
    identities = context.identities;
  }

  absl::Status Read(const rls::RateLimitRequest& request) {
    domain = request.domain();
    asks.resize(static_cast<size_t>(request.descriptors_size()));
    for (int i = 0; i < request.descriptors_size(); ++i) {
      absl::Status status = ReadDescriptor(request.descriptors(i), request.hits_addend(),
                                           asks[static_cast<size_t>(i)]);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  void Finish(absl::Status status) override {
    const std::unique_ptr<EnvoyCall> self(this);
    if (status.ok()) {
      response_.set_overall_code(allowed() ? rls::RateLimitResponse::OK
                                           : rls::RateLimitResponse::OVER_LIMIT);
      for (const Line& line : lines()) FillStatus(line, *response_.add_statuses());
    }
    reply_(WithErrorInfo(status));
  }

 private:
  rls::RateLimitResponse& response_;
  Reply reply_;
};

absl::Status CheckRequestFields(const rls::RateLimitRequest& request, const Limiter& limiter) {
  if (request.domain().empty()) {
    return absl::UnknownError("rate limit domain must not be empty");
  }
  if (request.descriptors().empty()) {
    return absl::UnknownError("rate limit descriptor list must not be empty");
  }
  if (request.descriptors_size() > kMaxDescriptors) {
    return InvalidField("descriptors", "there are more than 256 (send at most 256)");
  }
  if (limiter.policy() == nullptr) {
    return absl::UnknownError("no rate limit configuration loaded");
  }
  return absl::OkStatus();
}

}  // namespace

void RateLimitService::ShouldRateLimit(const rls::RateLimitRequest& request,
                                       const CallContext& context, rls::RateLimitResponse* response,
                                       Reply reply) {
  if (absl::Status status = CheckRequestFields(request, limiter_); !status.ok()) {
    reply(std::move(status));
    return;
  }
  auto call = std::make_unique<EnvoyCall>(context, response, std::move(reply));
  if (absl::Status status = call->Read(request); !status.ok()) {
    call.release()->Finish(std::move(status));
    return;
  }
  // Finish takes it back.
  limiter_.Decide(*call.release());
}

}  // namespace sluice
