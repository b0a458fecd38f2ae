// What becomes of the script's replies, whatever they are.
#include "backend/redis/script_call.h"

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "strategy/limit.h"
#include "tests/conformance/counters.h"
#include "tests/fakes/awaited_decision.h"
#include "tests/fakes/required_params.h"

namespace sluice {
namespace {

// As it comes over the wire.
class Reply {
 public:
  explicit Reply(const std::string& bytes) : reader_(redisReaderCreate(), &redisReaderFree) {
    redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
    void* reply = nullptr;
    EXPECT_EQ(redisReaderGetReply(reader_.get(), &reply), REDIS_OK);
    reply_.reset(static_cast<redisReply*>(reply));
  }
  const redisReply& operator*() const { return *reply_; }

 private:
  struct Free {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader_;
  std::unique_ptr<redisReply, Free> reply_;
};

std::string Integers(const std::vector<int64_t>& integers) {
  std::string bytes = absl::StrCat("*", integers.size(), "\r\n");
  for (const int64_t integer : integers) absl::StrAppend(&bytes, ":", integer, "\r\n");
  return bytes;
}

using Answer = ScriptReply::Answer;

class ScriptCallTest : public testing::Test {
 protected:
  std::string Error(const std::string& bytes) const {
    const Reply reply(bytes);
    return std::string(ScriptReply::Of(call_, *reply).status().message());
  }
  void Add(const Limit& limit, Mode mode = Mode::kTake) {
    keys_.push_back(std::make_unique<CounterKey>(KeyOf("a", limit)));
    asked_.push_back(std::make_unique<AwaitedDecision>(
        std::vector<Charge>{{*keys_.back(), limit, 1, mode}}, kStartUs));
    const int64_t around[] = {kStartUs};
    call_.Add(*asked_.back(), around);
  }

  const RedisOptions options_{};
  ScriptCall call_{options_};
  std::vector<std::unique_ptr<CounterKey>> keys_;
  std::vector<std::unique_ptr<AwaitedDecision>> asked_;
  const Limit limit_ = LimitOf("fixed_window", "10/s");  // two registers
  absl::InlinedVector<int64_t, 2> around_{0};
};

TEST_F(ScriptCallTest, ReadsADecisionAfterTheOther) {
  Add(limit_);
  Add(limit_);
  const Reply reply(Integers({7, 1, 7, 9, 0, 500, 70, 1, 1, 0, 0, 12, 500, 70, 10}));
  auto read = ScriptReply::Of(call_, *reply);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->now_us(), 7);
  ASSERT_EQ(read->Read(*asked_[0], around_), Answer::kDecided);
  ASSERT_EQ(read->Read(*asked_[1], around_), Answer::kDecided);
  const Verdict& first = asked_[0]->verdicts_told()[0];
  EXPECT_TRUE(first.allowed && first.taken && first.changes);
  EXPECT_EQ(first.remaining, 9);
  EXPECT_EQ(first.registers[0], 70);
  const Verdict& second = asked_[1]->verdicts_told()[0];
  EXPECT_FALSE(second.allowed || second.taken || second.changes);
  EXPECT_EQ(second.wait_us, 12);
}

TEST_F(ScriptCallTest, SkipsADecisionWhoseCallerHasGone) {
  Add(limit_);
  Add(limit_);
  const Reply reply(Integers({7, 1, 7, 9, 0, 500, 70, 1, 1, 7, 8, 0, 500, 70, 2}));
  auto read = ScriptReply::Of(call_, *reply);
  ASSERT_TRUE(read.ok()) << read.status();
  read->Skip();
  ASSERT_EQ(read->Read(*asked_[1], around_), Answer::kDecided);
  EXPECT_EQ(asked_[1]->verdicts_told()[0].remaining, 8);
}

TEST_F(ScriptCallTest, TellsTheInstantsOfAStaleDecision) {
  const Limit calendar = LimitOf("time_of_day", "8/s", RequiredParams("time_of_day"));
  Add(calendar);
  const Reply reply(Integers({7, 0, 55}));
  auto read = ScriptReply::Of(call_, *reply);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->Read(*asked_[0], around_), Answer::kStale);
  EXPECT_EQ(around_[0], 55);
}

TEST_F(ScriptCallTest, TellsOfAKeyThatIsNotOurs) {
  Add(limit_);
  Add(limit_);
  const Reply reply(Integers({7, 2, 1, 7, 8, 0, 500, 70, 2}));
  auto read = ScriptReply::Of(call_, *reply);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->Read(*asked_[0], around_), Answer::kForeign);
  EXPECT_EQ(read->Read(*asked_[1], around_), Answer::kDecided);
  EXPECT_EQ(Error(Integers({7, 3, 2})), "the script's reply has an answer of no known kind");
}

TEST_F(ScriptCallTest, RefusesWhatIsNoListOfIntegers) {
  Add(limit_);
  for (const char* bytes : {"+OK\r\n", ":7\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n"}) {
    EXPECT_EQ(Error(bytes), "the script's reply is no list") << bytes;
  }
  EXPECT_EQ(Error("*2\r\n:7\r\n+OK\r\n"), "the script's reply is not of integers");
  EXPECT_EQ(Error("*2\r\n:7\r\n*1\r\n:1\r\n"), "the script's reply is not of integers");
  EXPECT_EQ(Error("*7\r\n:7\r\n:1\r\n:7\r\n:9\r\n$-1\r\n:70\r\n:1\r\n"),
            "the script's reply is not of integers");
}

TEST_F(ScriptCallTest, RefusesAnotherLengthThanItsOwn) {
  Add(limit_);
  EXPECT_EQ(Error(Integers({7})), "the script's reply is too short");
  const std::vector<int64_t> right = {7, 1, 7, 9, 0, 500, 70, 1};
  EXPECT_EQ(Error(Integers(right)), "");
  for (size_t size = 2; size < right.size(); ++size) {
    EXPECT_NE(Error(Integers({right.begin(), right.begin() + static_cast<int64_t>(size)})), "")
        << size;
  }
  std::vector<int64_t> longer = right;
  longer.push_back(1);
  EXPECT_NE(Error(Integers(longer)), "");
  EXPECT_NE(Error(Integers({7, 0})), "") << "stale, without the instant";
}

TEST_F(ScriptCallTest, RefusesWhatNoDoubleCounts) {
  Add(limit_);
  constexpr int64_t far = int64_t{1} << 54;
  EXPECT_EQ(Error(Integers({7, 1, 7, 9, 0, far - 1, 70, 1})), "");
  for (const int64_t too_far : {far, -far, INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(Error(Integers({7, 1, 7, 9, 0, too_far, 70, 1})),
              "the script's reply counts too far");
  }
}

TEST_F(ScriptCallTest, LooksGoWhereNothingIsWritten) {
  Add(limit_, Mode::kLook);
  EXPECT_TRUE(call_.only_looks());
  EXPECT_NE(call_.Format(0).find("EVALSHA_RO"), std::string::npos);
  Add(limit_);
  EXPECT_FALSE(call_.only_looks());
  EXPECT_EQ(call_.Format(0).find("EVALSHA_RO"), std::string::npos);
}

TEST_F(ScriptCallTest, NamesAKeyOnce) {
  Add(limit_);
  Add(limit_);
  const std::string command = call_.Format(0);
  EXPECT_EQ(command.find(call_.key()), command.rfind(call_.key()));
  EXPECT_EQ(call_.size(), 2u);
}

}  // namespace
}  // namespace sluice
