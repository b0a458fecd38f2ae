// Replies out of the bytes of a connection.
#ifndef SLUICE_BACKEND_REDIS_READER_H_
#define SLUICE_BACKEND_REDIS_READER_H_

#include <hiredis/hiredis.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using ReplyPtr = std::unique_ptr<redisReply, FreeReply>;

// What a reply says, when it is a text: a string, a status or an error.
absl::string_view TextOf(const redisReply& reply);

// Refuses a reply of more than 64 MiB, or of more than a million elements.
class ReplyReader {
 public:
  ReplyReader();

  void Feed(absl::string_view bytes);
  // The next reply that is complete, or null. After an error there is no way to go on.
  absl::StatusOr<ReplyPtr> Next();

 private:
  struct Free {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };

  int64_t elements_left_;  // of the reply that is being read
  size_t unfinished_ = 0;  // bytes of it
  std::unique_ptr<redisReader, Free> reader_;
};

}  // namespace sluice

#endif  // SLUICE_BACKEND_REDIS_READER_H_
