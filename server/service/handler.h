// What a handler gets besides the request, apart from any RPC library.
//
// A handler is `void Hit(const HitRequest&, const CallContext&, HitResponse*, Reply)`. Request and
// response live in the call's memory until the reply has run; Reply runs exactly once, on this
// thread or another, before the handler returns or later. Doors translate the status, whose
// payloads are google.rpc details by their type URLs (errors.h).
#ifndef SLUICE_SERVICE_HANDLER_H_
#define SLUICE_SERVICE_HANDLER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "core/charge.h"

namespace sluice {

using Reply = absl::AnyInvocable<void(absl::Status)>;

struct CallContext {
  // Microseconds since the Unix epoch, read once by the door.
  int64_t now_us = 0;
  // When the caller stops waiting; kNever without a deadline.
  int64_t deadline_us = kNever;
  // The names in the caller's verified certificate: all of its subjectAltName, or the common name
  // when it has none. Empty when the door asks for no certificate. Gone when the handler returns.
  std::vector<std::string> identities = {};
};

}  // namespace sluice

#endif  // SLUICE_SERVICE_HANDLER_H_
