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
// What follows quotes keys, and so identifiers.
constexpr absl::string_view kQuotes = ", with args beginning with";

// READONLY, OOM, MISCONF and NOREPLICAS may be raised within a script, too: at its first write, and
// ours write at their end alone.
constexpr std::array<absl::string_view, 15> kNothingRan = {
    "MOVED",      "ASK",     "TRYAGAIN", "CLUSTERDOWN", "LOADING",   "MASTERDOWN", "BUSY",    "OOM",
    "NOREPLICAS", "MISCONF", "NOSCRIPT", "NOAUTH",      "WRONGPASS", "NOPERM",     "READONLY"};

// Of these, what a Redis answers that is well but takes no writes.
constexpr std::array<absl::string_view, 4> kTakesNoWrites = {"OOM", "NOREPLICAS", "MISCONF",
                                                             "READONLY"};

template <size_t size>
bool IsOneOf(const std::array<absl::string_view, size>& codes, absl::string_view code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

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
  const absl::string_view quoted = error.substr(0, std::min(kMostQuoted, error.find(kQuotes)));
  const std::string text =
      absl::StrCat("redis ", from.ToString(), " answered ", absl::CHexEscape(quoted));
  const absl::string_view code = CodeOf(error);
  counts.TellTrouble(absl::UnavailableError(text));
  if (IsOneOf(kTakesNoWrites, code)) {
    // No sign against it: while it is asked, Check and Stat are answered.
    Fail(std::move(errand), kRefusedError, NotRun(absl::FailedPreconditionError(text)), counts);
  } else if (IsOneOf(kNothingRan, code)) {
    Fail(std::move(errand), kRefusedError, NotRun(absl::UnavailableError(text)), counts);
  } else {
    Fail(std::move(errand), kReplyError, absl::InternalError(text), counts);
  }
}

absl::string_view CodeOf(absl::string_view error) { return error.substr(0, error.find(' ')); }

}  // namespace sluice
