// The least of a Redis client.
#ifndef SLUICE_TESTS_FAKES_REDIS_RESP_CLIENT_H_
#define SLUICE_TESTS_FAKES_REDIS_RESP_CLIENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace sluice {

// Sends the commands to a Unix socket in one go, and waits at most `timeout_us` for each read. The
// reply to the last one as redis-cli prints it into a pipe; none when it did not come.
absl::optional<std::string> AskRedis(const std::string& socket_path,
                                     absl::Span<const std::vector<std::string>> commands,
                                     int64_t timeout_us);

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_REDIS_RESP_CLIENT_H_
