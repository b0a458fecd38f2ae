#include "service/stat.h"

#include <limits>
#include <string>

#include "strategy/metadata.h"

namespace sluice {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string ToString(absl::string_view text) { return std::string(text.data(), text.size()); }

// Writes metadata into the strategy's message by the names of its fields, so that a new strategy
// needs no code here. A field that the message lacks is a bug that the tests of stat.cc find.
class MessageSink final : public MetadataSink {
 public:
  explicit MessageSink(Message& message) : message_(message) {}

  void Number(absl::string_view field, double value) override {
    message_.GetReflection()->SetDouble(&message_, Field(field), value);
  }
  void Count(absl::string_view field, uint64_t value) override {
    message_.GetReflection()->SetUInt64(&message_, Field(field), value);
  }
  void Flag(absl::string_view field, bool value) override {
    message_.GetReflection()->SetBool(&message_, Field(field), value);
  }
  void Text(absl::string_view field, absl::string_view value) override {
    message_.GetReflection()->SetString(&message_, Field(field), ToString(value));
  }

 private:
  const FieldDescriptor* Field(absl::string_view name) const {
    return message_.GetDescriptor()->FindFieldByName(ToString(name));
  }
  Message& message_;
};

void FillJudged(const Line& line, v1::StrategyStat& stat) {
  stat.set_strategy(ToString(line.limit->strategy()));
  stat.set_hits_remaining(static_cast<double>(line.verdict.remaining));
  stat.set_wait_ms(ToMs(line.verdict.wait_us));
  stat.set_reset_ms(ToMs(line.verdict.reset_us));
  const FieldDescriptor* field = v1::StrategyStat::descriptor()->FindFieldByName(stat.strategy());
  MessageSink sink(*stat.GetReflection()->MutableMessage(&stat, field));
  sink.Text("strategy", line.limit->strategy());
  line.limit->Describe(line.verdict, sink);
}

}  // namespace

double ToMs(int64_t us) {
  return us == kNever ? std::numeric_limits<double>::infinity() : static_cast<double>(us) / 1000.0;
}

void FillRate(const Rate& rate, v1::Rate& out) {
  out.set_text(rate.ToString());
  out.set_unlimited(rate.unlimited());
  out.set_limit(static_cast<uint64_t>(rate.limit()));
  out.set_period_ms(static_cast<uint64_t>(rate.period_us() / 1000));
}

void FillResult(const Line& line, bool with_stat, v1::ThrottleResult& result) {
  result.set_throttle(line.throttle->uid);
  result.set_outcome(static_cast<v1::Outcome>(line.outcome));
  if (line.judged && line.verdict.taken) result.set_cost(static_cast<uint64_t>(line.amount));
  const bool unlimited = line.outcome == Outcome::kUnlimited;
  if (!with_stat || !(line.judged || unlimited)) return;
  v1::StrategyStat& stat = *result.mutable_stat();
  stat.set_key(line.key->ToString());
  stat.set_throttle(line.throttle->uid);
  FillRate(line.rate, *stat.mutable_rate());
  if (unlimited) {
    stat.set_hits_remaining(std::numeric_limits<double>::infinity());
  } else {
    FillJudged(line, stat);
  }
}

}  // namespace sluice
