#include "backend/redis/script_call.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "backend/redis/router.h"
#include "backend/redis/script.h"
#include "core/rate.h"
#include "strategy/limit.h"

namespace sluice {
namespace {

static_assert(std::endian::native == std::endian::little);

template <class T>
void Pack(T value, std::string& to) {
  to.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void PackNumber(int64_t value, std::string& to) { Pack(static_cast<double>(value), to); }

// The script's numbers are doubles below 2^53, but for one sum (strategy/family/bucket.h).
constexpr int64_t kMostTold = 4 * kMaxAmount;

bool Takes(const Charge& charge) {
  return charge.mode == Mode::kSettle || (charge.mode != Mode::kLook && charge.amount > 0);
}

// What stands behind a verdict's flags, remaining, wait, reset and registers.
size_t Told(const Limit& limit) {
  if (limit.keeps_log()) return 1;
  return limit.calendar() ? 3 : 0;
}

// What a decision's answer begins with; decide.lua has the same.
constexpr int64_t kStaleMark = 0;
constexpr int64_t kDecidedMark = 1;
constexpr int64_t kForeignMark = 2;

size_t IntegersOf(const Limit& limit) {
  return 4 + static_cast<size_t>(limit.registers()) + Told(limit);
}

}  // namespace

bool ScriptCall::OnlyLooks(const Decision& decision) {
  return std::none_of(decision.charges.begin(), decision.charges.end(), Takes);
}

void ScriptCall::Add(const Decision& decision, absl::Span<const int64_t> around) {
  Shape shape{decision.charges.size(), 1};
  for (size_t i = 0; i < decision.charges.size(); ++i) {
    const Charge& charge = decision.charges[i];
    entries_.push_back({KeyIndex(charge.key), LimitIndex(charge.limit, charge.tag, around[i]),
                        static_cast<uint8_t>(charge.mode), static_cast<uint8_t>(charge.tag),
                        std::clamp(charge.amount, -kMaxAmount, kMaxAmount)});
    plain_ = plain_ && Told(charge.limit) == 0;
    shape.integers += IntegersOf(charge.limit);
  }
  only_looks_ = only_looks_ && OnlyLooks(decision);
  shapes_.push_back(shape);
}

std::string ScriptCall::PackDecisions() const {
  std::string out;
  auto entry = entries_.begin();
  for (const Shape& shape : shapes_) {
    Pack(static_cast<uint16_t>(shape.charges), out);
    for (size_t i = 0; i < shape.charges; ++i, ++entry) {
      Pack(entry->key, out);
      Pack(entry->limit, out);
      Pack(entry->mode, out);
      Pack(entry->tag, out);
      PackNumber(entry->amount, out);
    }
  }
  return out;
}

std::string ScriptCall::PackRuns(uint16_t& count) const {
  std::string out;
  for (auto first = entries_.begin(); first != entries_.end(); ++count) {
    const auto end = std::find_if(first, entries_.end(), [&](const Entry& entry) {
      return entry.key != first->key || entry.limit != first->limit;
    });
    Pack(first->key, out);
    Pack(first->limit, out);
    Pack(static_cast<uint16_t>(end - first), out);
    for (; first != end; ++first) {
      Pack(first->mode, out);
      Pack(first->tag, out);
      PackNumber(first->amount, out);
    }
  }
  return out;
}

uint16_t ScriptCall::KeyIndex(const CounterKey& key) {
  const auto [known, fresh] =
      key_index_.try_emplace(key.fingerprint(), static_cast<uint16_t>(keys_.size() + 1));
  if (fresh) keys_.push_back(key.ToString(options_.hash_tag));
  return known->second;
}

uint16_t ScriptCall::LimitIndex(const Limit& limit, int tag, int64_t around) {
  const auto [known, fresh] =
      limit_index_.try_emplace({&limit.terms(tag), limit.calendar() ? around : 0},
                               static_cast<uint16_t>(limit_index_.size() + 1));
  if (fresh) {
    const Terms<int64_t> terms = limit.TermsAround(tag, around);
    Pack(static_cast<uint8_t>(ScriptIdOf(limit.strategy())), limits_);
    PackNumber(limit.tick_us(), limits_);
    for (const int64_t term :
         {terms.limit, terms.period, terms.capacity, terms.most, terms.count_denied}) {
      PackNumber(term, limits_);
    }
    for (const int64_t term : terms.own) PackNumber(term, limits_);
  }
  return known->second;
}

std::string ScriptCall::Format(int64_t now_us) const {
  uint16_t runs = 0;
  std::string decisions;
  if (plain()) decisions = PackRuns(runs);
  if (runs != keys_.size()) {  // not plain, or a key comes in two runs
    runs = 0;
    decisions = PackDecisions();
  }
  std::string blob;
  blob.reserve(14 + limits_.size() + decisions.size());
  PackNumber(options_.virtual_time ? now_us : -1, blob);
  Pack(static_cast<uint16_t>(limit_index_.size()), blob);
  Pack(static_cast<uint16_t>(shapes_.size()), blob);
  Pack(runs, blob);
  absl::StrAppend(&blob, limits_, decisions);

  const std::string count = absl::StrCat(keys_.size());
  absl::InlinedVector<absl::string_view, 8> arguments = {only_looks_ ? "EVALSHA_RO" : "EVALSHA",
                                                         TheDecideScript().sha1, count};
  arguments.insert(arguments.end(), keys_.begin(), keys_.end());
  arguments.push_back(blob);
  return FormatCommand(arguments);
}

size_t ScriptCall::SizeOf(const Shape& shape, int64_t mark) {
  if (mark == kDecidedMark) return shape.integers;
  return mark == kStaleMark ? 1 + shape.charges : 1;
}

absl::StatusOr<ScriptReply> ScriptReply::Of(const ScriptCall& call, const redisReply& reply) {
  const auto wrong = [](absl::string_view what) {
    return absl::InternalError(absl::StrCat("the script's reply ", what));
  };
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements == 0) return wrong("is no list");
  for (size_t i = 0; i < reply.elements; ++i) {
    if (reply.element[i]->type != REDIS_REPLY_INTEGER) return wrong("is not of integers");
    if (std::abs(reply.element[i]->integer / kMostTold) > 0) return wrong("counts too far");
  }
  size_t at = 1;
  for (const ScriptCall::Shape& shape : call.shapes_) {
    if (at >= reply.elements) return wrong("is too short");
    const int64_t mark = reply.element[at]->integer;
    if (mark < kStaleMark || mark > kForeignMark) return wrong("has an answer of no known kind");
    at += ScriptCall::SizeOf(shape, mark);
  }
  if (at != reply.elements) return wrong("is of another length than the call asks for");
  return ScriptReply(call, reply, reply.element[0]->integer);
}

int64_t ScriptReply::Integer(size_t at) const { return reply_.element[at]->integer; }

void ScriptReply::Skip() {
  const ScriptCall::Shape& shape = call_.shapes_[decision_++];
  at_ += ScriptCall::SizeOf(shape, Integer(at_));
}

ScriptReply::Answer ScriptReply::Read(Decision& decision, absl::InlinedVector<int64_t, 2>& around) {
  ++decision_;
  const int64_t mark = Integer(at_++);
  if (mark == kForeignMark) return Answer::kForeign;
  for (size_t i = 0; i < decision.charges.size(); ++i) {
    if (mark == kDecidedMark) {
      ReadVerdict(decision.charges[i], decision.verdicts[i]);
    } else if (const int64_t time = Integer(at_++); time >= 0) {
      around[i] = time;
    }
  }
  return mark == kDecidedMark ? Answer::kDecided : Answer::kStale;
}

void ScriptReply::ReadVerdict(const Charge& charge, Verdict& verdict) {
  const int64_t flags = Integer(at_);
  verdict = Verdict();
  verdict.allowed = (flags & 1) != 0;
  verdict.taken = (flags & 2) != 0;
  verdict.changes = (flags & 4) != 0;
  verdict.remaining = verdict.tightest = Integer(at_ + 1);
  // Of times, the only one below 0 is never.
  verdict.wait_us = std::max(Integer(at_ + 2), kWaitNever);
  verdict.reset_us = std::max(Integer(at_ + 3), kWaitNever);
  verdict.now_us = now_us_;
  verdict.tag = charge.tag;
  at_ += 4;
  const auto registers = static_cast<size_t>(charge.limit.registers());
  for (size_t i = 0; i < registers; ++i) verdict.registers[i] = Integer(at_++);

  Registers judged{};
  int64_t cost = 0;
  if (charge.limit.keeps_log()) {
    const int64_t told = Integer(at_++);
    if (registers < verdict.registers.size()) verdict.registers[registers] = told;
  } else if (charge.limit.calendar()) {
    cost = Integer(at_);
    judged[0] = Integer(at_ + 1);
    judged[1] = Integer(at_ + 2);
    at_ += 3;
  }
  charge.limit.TakeTold(judged, cost, verdict);
}

}  // namespace sluice
