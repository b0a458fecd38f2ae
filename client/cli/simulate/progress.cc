#include "cli/simulate/progress.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/rate.h"

namespace sluice::cli {
namespace {

constexpr int64_t kFirstUs = kSecondUs;
constexpr int64_t kEveryUs = 200 * kMillisecondUs;
constexpr char kClearLine[] = "\r\x1b[K";

}  // namespace

Progress::Progress(const Clock& clock, std::ostream& out)
    : clock_(clock), out_(out), began_us_(clock.Now()), shown_us_(began_us_) {}

Progress::~Progress() {
  if (shown_) out_ << kClearLine << std::flush;
}

void Progress::Look() {
  const int64_t now_us = clock_.Now();
  const int64_t elapsed_us = now_us - began_us_;
  if (elapsed_us < kFirstUs || now_us - shown_us_ < kEveryUs) return;
  shown_us_ = now_us;
  shown_ = true;
  const int64_t per_second = rows_ / std::max(elapsed_us / kMillisecondUs, int64_t{1}) * 1'000;
  out_ << kClearLine << absl::StrCat(rows_, " rows, ", per_second, "/s") << std::flush;
}

}  // namespace sluice::cli
