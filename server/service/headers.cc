#include "service/headers.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/rate.h"

namespace sluice {
namespace {

using Format = HeaderPolicy::Format;
using When = HeaderPolicy::When;

// Whether so much of the limit is left that an allowed answer need not say it.
bool HasPlenty(const Line& line) {
  const HeaderPolicy& headers = line.throttle->headers;
  return static_cast<double>(line.verdict.remaining) * static_cast<double>(kMillion) >=
         static_cast<double>(headers.below) * static_cast<double>(line.limit->rate().limit());
}

bool Speaks(const Line& line, bool denied) {
  if (line.shadow || !line.judged) return false;
  const HeaderPolicy& headers = line.throttle->headers;
  if (denied) return headers.when != When::kOff;
  return headers.when == When::kAlways && (headers.below > kMillion || !HasPlenty(line));
}

// A share compared without division: a/b < c/d.
bool LessShare(const Line& a, const Line& b) {
  return static_cast<double>(a.verdict.remaining) * static_cast<double>(b.limit->rate().limit()) <
         static_cast<double>(b.verdict.remaining) * static_cast<double>(a.limit->rate().limit());
}

bool Tighter(const Line& a, const Line& b) {
  if (Denies(a.outcome) != Denies(b.outcome)) return Denies(a.outcome);
  if (Denies(a.outcome)) return a.verdict.wait_us > b.verdict.wait_us;
  return LessShare(a, b);
}

// A structured-field string (RFC 8941), which holds printable ASCII only: other bytes, and the `%`
// that marks them, are percent-encoded.
std::string Quoted(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c < 0x20 || c >= 0x7f || c == '%') {
      absl::StrAppend(&out, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
      continue;
    }
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

int64_t CeilOf(int64_t us, int64_t unit_us) { return us / unit_us + (us % unit_us != 0 ? 1 : 0); }

void AppendItem(std::string& list, absl::string_view item) {
  absl::StrAppend(&list, list.empty() ? "" : ", ", item);
}

using Add = absl::FunctionRef<void(absl::string_view, absl::string_view)>;

// Of those that speak; of one name the first counts.
void AddExtra(const ThrottleCall& call, Add add) {
  std::vector<absl::string_view> added;
  for (const Line& line : call.lines()) {
    if (!Speaks(line, !call.allowed())) continue;
    for (const auto& header : line.throttle->headers.extra) {
      const std::string& name = header.first;
      const bool again = std::any_of(added.begin(), added.end(), [&](absl::string_view other) {
        return absl::EqualsIgnoreCase(other, name);
      });
      if (again) continue;
      added.push_back(name);
      add(name, header.second);
    }
  }
}

}  // namespace

int64_t CeilSeconds(int64_t us) { return CeilOf(us, kSecondUs); }

void ForEachHeader(const ThrottleCall& call,
                   absl::FunctionRef<void(absl::string_view, absl::string_view)> add) {
  const bool denied = !call.allowed();
  const Line* tightest = nullptr;
  std::string policies;
  std::string limits;
  bool retry_after = false;
  for (const Line& line : call.lines()) {
    if (Denies(line.outcome)) retry_after |= line.throttle->headers.when != When::kOff;
    if (!Speaks(line, denied)) continue;
    const Format format = line.throttle->headers.format;
    if (format != Format::kIetf && (tightest == nullptr || Tighter(line, *tightest))) {
      tightest = &line;
    }
    if (format == Format::kClassic) continue;
    const std::string name = Quoted(line.throttle->uid);
    const Rate& rate = line.limit->rate();
    AppendItem(policies,
               absl::StrCat(name, ";q=", rate.limit(), ";w=", CeilSeconds(rate.period_us())));
    AppendItem(limits, absl::StrCat(name, ";r=", line.verdict.remaining,
                                    ";t=", CeilSeconds(line.verdict.reset_us)));
  }
  if (tightest != nullptr) {
    const HeaderPolicy& headers = tightest->throttle->headers;
    const int64_t reset_us = tightest->verdict.reset_us;
    add(headers.limit_name, absl::StrCat(tightest->limit->rate().limit()));
    add(headers.remaining_name, absl::StrCat(tightest->verdict.remaining));
    add(headers.reset_name,
        absl::StrCat(headers.reset_in_ms ? CeilOf(reset_us, 1'000) : CeilSeconds(reset_us)));
  }
  if (!policies.empty()) {
    add("RateLimit-Policy", policies);
    add("RateLimit", limits);
  }
  if (retry_after && call.wait_us() != kNever) {
    add("Retry-After", absl::StrCat(CeilSeconds(call.wait_us())));
  }
  AddExtra(call, add);
}

}  // namespace sluice
