// A native request on its way through the limiter.
#ifndef SLUICE_SERVICE_NATIVE_CALL_H_
#define SLUICE_SERVICE_NATIVE_CALL_H_

#include <memory>
#include <string>
#include <utility>

#include "google/protobuf/map.h"
#include "limiter/limiter.h"
#include "service/errors.h"
#include "service/handler.h"
#include "sluice/v1/limiter.pb.h"

namespace sluice {

// Lives from the handler to the reply, and owns itself in between: the answer may come from another
// thread, after the handler has returned. The request lives as long. `fill(call)` writes the
// response of a call that was decided.
template <class Fill>
class NativeCall final : public ThrottleCall {
 public:
  NativeCall(const CallContext& door, Reply reply, Fill fill)
      : reply_(std::move(reply)), fill_(std::move(fill)) {
    now_us = door.now_us;
    deadline_us = door.deadline_us;
    identities = door.identities;
  }

  void Finish(absl::Status status) override {
    const std::unique_ptr<NativeCall> self(this);
    if (status.ok()) fill_(*this);
    reply_(WithErrorInfo(status));
  }

 private:
  Reply reply_;
  Fill fill_;
};

// A call that Finish takes back.
template <class Fill>
NativeCall<Fill>* NewNativeCall(const CallContext& door, Reply reply, Fill fill) {
  return new NativeCall<Fill>(door, std::move(reply), std::move(fill));
}

// Views into maps of the request.
inline void AddPairs(const google::protobuf::Map<std::string, std::string>& from,
                     absl::InlinedVector<ThrottleRequest::Pair, 8>& to) {
  for (const auto& [key, value] : from) to.emplace_back(key, value);
}
inline void AddCosts(const google::protobuf::Map<std::string, uint64_t>& from,
                     ThrottleRequest& request) {
  for (const auto& [uid, cost] : from) request.costs.emplace_back(uid, cost);
}

// What requests of both kinds say.
template <class Request>
void ReadQuestion(const Request& from, ThrottleRequest& to) {
  to.identifier = from.identifier();
  to.tenant = from.tenant();
  if (from.has_cost()) to.cost = from.cost();
  AddCosts(from.costs(), to);
  AddPairs(from.context(), to.context);
}

// What the caller of Hit, Check or Stat says; the verb is the caller's to set.
template <class Request>
void ReadHit(const Request& from, ThrottleRequest& to) {
  for (const std::string& uid : from.throttles()) to.throttles.push_back(uid);
  ReadQuestion(from, to);
}

// What a gateway says of its request; Explain reads it too.
inline void ReadShouldLimit(const v1::ShouldLimitRequest& from, ThrottleRequest& to) {
  to.gateway = true;
  to.verb = from.dry_run() ? ThrottleRequest::Verb::kCheck : ThrottleRequest::Verb::kHit;
  // In front of the context, which those that are set override.
  const auto add = [&](absl::string_view key, absl::string_view value) {
    if (!value.empty()) to.context.emplace_back(key, value);
  };
  add("method", from.method());
  add("path", from.path());
  add("remote_address", from.remote_address());
  ReadQuestion(from, to);
  AddPairs(from.headers(), to.headers);
}

}  // namespace sluice

#endif  // SLUICE_SERVICE_NATIVE_CALL_H_
