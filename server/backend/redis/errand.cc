#include "backend/redis/errand.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

// An error reply may quote what was sent, so that it has no bound of its own.
constexpr size_t kMostQuoted = 200;

// READONLY, OOM, MISCONF and NOREPLICAS may be raised within a script, too: at its first write, and
// ours write at their end alone.
constexpr std::array<absl::string_view, 16> kNothingRan = {
    "MOVED",  "ASK",        "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN",
    "BUSY",   "UNKILLABLE", "OOM",      "NOREPLICAS",  "MISCONF", "NOSCRIPT",
    "NOAUTH", "WRONGPASS",  "NOPERM",   "READONLY"};

}  // namespace

Errand ErrandOf(std::unique_ptr<RedisCall> call) {
  Errand errand;
  errand.call = std::move(call);
  return errand;
}

Errand UncountedErrandOf(std::unique_ptr<RedisCall> call) {
  Errand errand = ErrandOf(std::move(call));
  errand.counted = false;
  return errand;
}

void Fail(Errand errand, ErrorKind kind, const absl::Status& status, RouterCounts& counts) {
  if (errand.counted) counts.errors[kind].fetch_add(1, std::memory_order_relaxed);
  errand.call->OnError(status);
}

void FailByReply(Errand errand, absl::string_view error, const Endpoint& from,
                 RouterCounts& counts) {
  const std::string text = absl::StrCat("redis ", from.ToString(), " answered ",
                                        absl::CHexEscape(error.substr(0, kMostQuoted)));
  if (std::find(kNothingRan.begin(), kNothingRan.end(), CodeOf(error)) != kNothingRan.end()) {
    Fail(std::move(errand), kRefusedError, NotRun(absl::UnavailableError(text)), counts);
  } else {
    Fail(std::move(errand), kReplyError, absl::InternalError(text), counts);
  }
}

absl::string_view CodeOf(absl::string_view error) { return error.substr(0, error.find(' ')); }

}  // namespace sluice
