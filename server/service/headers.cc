#include "service/headers.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

using Format = HeaderPolicy::Format;
using When = HeaderPolicy::When;

bool Speaks(const Line& line, bool denied) {
  if (line.shadow || !line.judged) return false;
  const When when = line.throttle->headers.when;
  return when == When::kAlways || (when == When::kDenied && denied);
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

void AppendItem(std::string& list, absl::string_view item) {
  absl::StrAppend(&list, list.empty() ? "" : ", ", item);
}

}  // namespace

int64_t CeilSeconds(int64_t us) { return us / 1'000'000 + (us % 1'000'000 != 0 ? 1 : 0); }

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
    add("X-RateLimit-Limit", absl::StrCat(tightest->limit->rate().limit()));
    add("X-RateLimit-Remaining", absl::StrCat(tightest->verdict.remaining));
    add("X-RateLimit-Reset", absl::StrCat(CeilSeconds(tightest->verdict.reset_us)));
  }
  if (!policies.empty()) {
    add("RateLimit-Policy", policies);
    add("RateLimit", limits);
  }
  if (retry_after && call.wait_us() != kNever) {
    add("Retry-After", absl::StrCat(CeilSeconds(call.wait_us())));
  }
}

}  // namespace sluice
