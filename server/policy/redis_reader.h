// A backend of type redis.
#ifndef SLUICE_POLICY_REDIS_READER_H_
#define SLUICE_POLICY_REDIS_READER_H_

#include "policy/reader.h"
#include "policy/redis_spec.h"

namespace sluice {

// Reads all keys of "a redis backend" but its type. What is wrong goes to the FileReader, and the
// answer is then of no further use.
RedisSpec ReadRedis(FileReader& file, MapReader& map);

}  // namespace sluice

#endif  // SLUICE_POLICY_REDIS_READER_H_
