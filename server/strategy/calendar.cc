#include "strategy/calendar.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/rate.h"

namespace sluice {
namespace {

constexpr int64_t kHourS = 3'600;
constexpr int64_t kSearchUs = 8 * kDayUs;
constexpr absl::string_view kExample =
    "for example [{from: 8, to: 20, multiplier: 2}, {from: 20, to: 8, multiplier: 1}]";

// An hour in one word, from the low end: the hour and one, the length and the start in seconds.
constexpr int kHourBits = 5;
constexpr int kLengthBits = 13;
constexpr int64_t kLastPackedS = int64_t{1} << 44;

uint64_t Packed(const Hour& hour) {
  const int64_t from_s = hour.from_us / kSecondUs;
  if (from_s < 0 || from_s >= kLastPackedS) return 0;
  const auto length_s = static_cast<uint64_t>((hour.until_us - hour.from_us) / kSecondUs);
  return (static_cast<uint64_t>(from_s) << kLengthBits | length_s) << kHourBits |
         static_cast<uint64_t>(hour.hour + 1);
}

Hour Unpacked(uint64_t word) {
  const auto hour = static_cast<int>(word & ((1 << kHourBits) - 1)) - 1;
  const auto length_s = static_cast<int64_t>(word >> kHourBits & ((1 << kLengthBits) - 1));
  const auto from_s = static_cast<int64_t>(word >> (kHourBits + kLengthBits));
  return {hour, from_s * kSecondUs, (from_s + length_s) * kSecondUs};
}

// The clocks are moved once between the two, of which `changed` tells: the first second at which it
// is true.
template <class Changed>
int64_t FirstSecond(int64_t before_s, int64_t after_s, const Changed& changed) {
  while (before_s + 1 < after_s) {
    const int64_t middle = before_s + (after_s - before_s) / 2;
    (changed(middle) ? after_s : before_s) = middle;
  }
  return after_s;
}

struct HourWindow {
  int64_t from;
  int64_t to;
  int64_t multiplier;  // millionths
};

absl::optional<int64_t> ReadHour(const ParamValue& value, int64_t most) {
  int64_t hour = 0;
  const bool digits = !value.text.empty() && value.text.size() <= 2 &&
                      std::all_of(value.text.begin(), value.text.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(value.text, &hour) || hour > most) return absl::nullopt;
  return hour;
}

// One of the list; what is wrong with it goes to `params`.
absl::optional<HourWindow> ReadWindow(absl::string_view name, const ParamValue& item,
                                      ParamReader& params) {
  if (item.kind != ParamValue::Kind::kMap) {
    params.Refuse(name,
                  absl::StrCat(item.Found(), " is no {from, to, multiplier} (", kExample, ")"));
    return absl::nullopt;
  }
  absl::optional<int64_t> from;
  absl::optional<int64_t> to;
  absl::optional<int64_t> multiplier;
  bool fine = true;
  const auto refuse = [&](absl::string_view key, absl::string_view what) {
    params.Refuse(name, absl::StrCat(key, ": ", what));
    fine = false;
  };
  for (const auto& [key, value] : item.entries) {
    if (key == "from") {
      from = ReadHour(value, 23);
      if (!from) refuse(key, absl::StrCat(value.Found(), " is not a whole hour from 0 to 23"));
    } else if (key == "to") {
      to = ReadHour(value, 24);
      if (!to) refuse(key, absl::StrCat(value.Found(), " is not a whole hour from 0 to 24"));
    } else if (key == "multiplier") {
      multiplier = ParseMillionths(value.text);
      if (!multiplier) {
        refuse(key, absl::StrCat(value.Found(),
                                 " is not a decimal of at most 6 digits after the point"));
      }
    } else {
      refuse(key, "is unknown (it has from, to and multiplier)");
    }
  }
  if (!fine) return absl::nullopt;
  if (!from || !to || !multiplier) {
    params.Refuse(name, absl::StrCat(!from ? "from"
                                     : !to ? "to"
                                           : "multiplier",
                                     " is missing (", kExample, ")"));
    return absl::nullopt;
  }
  if (*from == *to) {
    params.Refuse(name, absl::StrCat("from and to are both ", *from,
                                     " (for the whole day: from: 0, to: 24)"));
    return absl::nullopt;
  }
  return HourWindow{*from, *to, *multiplier};
}

}  // namespace

Hour LocalHours::At(int64_t at_us) const {
  const int64_t at_s = at_us / kSecondUs;
  std::atomic<uint64_t>& known = known_[static_cast<size_t>(at_s / kHourS) % known_.size()];
  const uint64_t word = known.load(std::memory_order_relaxed);
  if (word != 0) {
    const Hour hour = Unpacked(word);
    if (hour.from_us <= at_us && at_us < hour.until_us) return hour;
  }
  const Hour hour = LookUp(at_s);
  known.store(Packed(hour), std::memory_order_relaxed);
  return hour;
}

Hour LocalHours::LookUp(int64_t at_s) const {
  const auto at = [this](int64_t s) { return zone_.At(absl::FromUnixSeconds(s)); };
  const absl::TimeZone::CivilInfo local = at(at_s);
  const auto moved = [&](int64_t s) { return at(s).offset != local.offset; };
  int64_t from_s = at_s - local.cs.minute() * 60 - local.cs.second();
  int64_t until_s = from_s + kHourS;
  if (moved(from_s)) {
    from_s = FirstSecond(from_s, at_s, [&](int64_t s) { return !moved(s); });
  }
  if (moved(until_s - 1)) until_s = FirstSecond(at_s, until_s - 1, moved);
  return {local.cs.hour(), from_s * kSecondUs, until_s * kSecondUs};
}

absl::optional<int64_t> LocalHours::First(int64_t from_us, int64_t until_us,
                                          absl::FunctionRef<bool(const Hour&)> fits) const {
  const int64_t last_us = std::min(until_us, from_us + kSearchUs);
  for (int64_t at_us = from_us; at_us < last_us;) {
    const Hour hour = At(at_us);
    if (fits(hour)) return at_us;
    at_us = hour.until_us;
  }
  return absl::nullopt;
}

HourTable ReadHourTable(absl::string_view name, ParamReader& params) {
  HourTable table{};
  const ParamValue* value = params.Value(name, kExample);
  if (value == nullptr) return table;
  if (value->kind != ParamValue::Kind::kList || value->items.empty()) {
    params.Refuse(name, absl::StrCat(value->Found(), " is no list of hours (", kExample, ")"));
    return table;
  }
  std::array<bool, 24> covered{};
  for (const ParamValue& item : value->items) {
    const absl::optional<HourWindow> window = ReadWindow(name, item, params);
    if (!window.has_value()) return table;
    const int64_t hours =
        window->to > window->from ? window->to - window->from : window->to + 24 - window->from;
    for (int64_t i = 0; i < hours; ++i) {
      const auto hour = static_cast<size_t>((window->from + i) % 24);
      if (covered[hour]) {
        params.Refuse(name, absl::StrCat("hour ", hour, " stands in two of them (each hour once)"));
        return table;
      }
      covered[hour] = true;
      table[hour] = window->multiplier;
    }
  }
  const auto gap = std::find(covered.begin(), covered.end(), false);
  if (gap != covered.end()) {
    params.Refuse(name, absl::StrCat("hour ", gap - covered.begin(),
                                     " stands in none of them (cover all 24 hours)"));
  }
  return table;
}

LocalHours ReadZone(absl::string_view name, ParamReader& params) {
  const std::string zone_name = params.Word(name, "UTC", "an IANA name, such as Europe/Berlin");
  // What is more than a name would be read as a path.
  const auto plain = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '/' || c == '+' ||
           c == '-';
  };
  absl::TimeZone zone = absl::UTCTimeZone();
  const bool is_name = !zone_name.empty() && zone_name.front() != '/' &&
                       std::all_of(zone_name.begin(), zone_name.end(), plain);
  if (!zone_name.empty() && (!is_name || !absl::LoadTimeZone(zone_name, &zone))) {
    params.Refuse(name, absl::StrCat("'", zone_name,
                                     "' is no time zone that this machine knows (an IANA name, "
                                     "such as Europe/Berlin, with the package tzdata installed)"));
  }
  return LocalHours(zone);
}

}  // namespace sluice
