#include "backend/redis/reader.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

constexpr size_t kMostBytes = size_t{64} << 20;
constexpr int64_t kMostElements = 1'000'000;

const redisReplyObjectFunctions& Plain() {
  static const redisReplyObjectFunctions plain = [] {
    redisReader* reader = redisReaderCreate();
    const redisReplyObjectFunctions functions = *reader->fn;
    redisReaderFree(reader);
    return functions;
  }();
  return plain;
}

// An array's few bytes make hiredis allocate for all of its elements at once.
void* CreateBoundedArray(const redisReadTask* task, int elements) {
  auto& left = *static_cast<int64_t*>(task->privdata);
  left -= elements;
  return left < 0 ? nullptr : Plain().createArray(task, elements);
}

redisReplyObjectFunctions* Bounded() {
  static redisReplyObjectFunctions bounded = [] {
    redisReplyObjectFunctions functions = Plain();
    functions.createArray = CreateBoundedArray;
    return functions;
  }();
  return &bounded;
}

}  // namespace

absl::string_view TextOf(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
      return {reply.str, static_cast<size_t>(reply.len)};
    default:
      return {};
  }
}

ReplyReader::ReplyReader()
    : elements_left_(kMostElements), reader_(redisReaderCreateWithFunctions(Bounded())) {
  reader_->privdata = &elements_left_;
}

void ReplyReader::Feed(absl::string_view bytes) {
  redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
  unfinished_ += bytes.size();
}

absl::StatusOr<ReplyPtr> ReplyReader::Next() {
  void* reply = nullptr;
  if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
    return absl::InternalError(absl::StrCat("what came is no reply: ", reader_->errstr));
  }
  if (reply == nullptr) {
    if (unfinished_ <= kMostBytes) return ReplyPtr();
    return absl::InternalError("a reply of more than 64 MiB");
  }
  elements_left_ = kMostElements;
  unfinished_ = reader_->len - reader_->pos;
  return ReplyPtr(static_cast<redisReply*>(reply));
}

}  // namespace sluice
