// Any bytes as what Redis sends: replies or an error, and of the script's replies verdicts or an
// error. The first byte says which decisions were asked for.
#include <array>
#include <cstdint>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "backend/redis/reader.h"
#include "backend/redis/script_call.h"
#include "strategy/limit.h"
#include "tests/conformance/counters.h"
#include "tests/fakes/required_params.h"

namespace {

using sluice::Charge;
using sluice::CounterKey;
using sluice::Limit;
using sluice::LimitOf;
using sluice::Mode;

constexpr int kDecisions = 2;

class Asked final : public sluice::Decision {
 public:
  explicit Asked(std::vector<Charge> wanted) : charges_(std::move(wanted)) {
    verdicts_.resize(charges_.size());
    charges = charges_;
    verdicts = absl::MakeSpan(verdicts_);
  }
  void Done(absl::Status) override {}

 private:
  const std::vector<Charge> charges_;
  std::vector<sluice::Verdict> verdicts_;
};

const std::vector<Limit>& Limits() {
  static const auto& limits = *new std::vector<Limit>{
      LimitOf("fixed_window", "10/s"),
      LimitOf("gcra", "4294967295/s"),
      LimitOf("sliding_window_log", "10/day"),
      LimitOf("leaky_bucket_with_queue", "10/day"),
      LimitOf("time_of_day", "10/day", sluice::RequiredParams("time_of_day")),
      LimitOf("cost_based_token_bucket", "10/365day"),
  };
  return limits;
}

// One or two charges, of any of the limits.
std::vector<Charge> ChargesFor(uint8_t which) {
  static const CounterKey& key = *new CounterKey(sluice::KeyOf("a", Limits().front()));
  std::vector<Charge> charges = {{key, Limits()[which % Limits().size()], 1, Mode::kTake}};
  if (which >= 128) charges.push_back({key, Limits()[which / 8 % Limits().size()], 2, Mode::kLook});
  return charges;
}

void ReadAll(const sluice::ScriptCall& call, const redisReply& reply, bool skips,
             const std::vector<std::unique_ptr<Asked>>& asked) {
  auto read = sluice::ScriptReply::Of(call, reply);
  if (!read.ok()) return;
  absl::InlinedVector<int64_t, 2> around(2);
  for (const auto& decision : asked) {
    if (skips) {
      read->Skip();
    } else {
      read->Read(*decision, around);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const sluice::RedisOptions options;
  sluice::ScriptCall call(options);
  std::vector<std::unique_ptr<Asked>> asked;
  const std::array<int64_t, 2> around{};
  for (int i = 0; i < kDecisions; ++i) {
    asked.push_back(std::make_unique<Asked>(ChargesFor(data[0])));
    call.Add(*asked.back(), around);
  }
  sluice::ReplyReader reader;
  const absl::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  // As a socket parts them.
  const size_t half = bytes.size() / 2;
  for (const absl::string_view part : {bytes.substr(0, half), bytes.substr(half)}) {
    reader.Feed(part);
    for (;;) {
      const auto reply = reader.Next();
      if (!reply.ok()) return 0;
      if (*reply == nullptr) break;
      sluice::TextOf(**reply);
      ReadAll(call, **reply, data[0] / 64 % 2 == 1, asked);
    }
  }
  return 0;
}
