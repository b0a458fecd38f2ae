// What a connection says first.
#ifndef SLUICE_BACKEND_REDIS_LOGIN_H_
#define SLUICE_BACKEND_REDIS_LOGIN_H_

#include <string>

#include "absl/status/statusor.h"
#include "backend/redis/options.h"

namespace sluice {

// AUTH as it goes over the wire, or nothing when there is no password to say. Reads the password's
// file: up to 4096 bytes, without the line break at its end. The error names the file, and never
// says what it holds.
absl::StatusOr<std::string> AuthCommand(const RedisLogin& login);

}  // namespace sluice

#endif  // SLUICE_BACKEND_REDIS_LOGIN_H_
