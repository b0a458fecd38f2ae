// Why an address cannot be listened on, for libraries that only say that it failed.
#ifndef SLUICE_TRANSPORT_LISTEN_ERROR_H_
#define SLUICE_TRANSPORT_LISTEN_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

// One clear line, found out by trying: "grpc: cannot listen on 127.0.0.1:8081: Address already in
// use". `what` is the section of the configuration that has the address.
absl::Status CannotListen(absl::string_view what, absl::string_view address);

}  // namespace sluice

#endif  // SLUICE_TRANSPORT_LISTEN_ERROR_H_
