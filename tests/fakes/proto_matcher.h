// Messages compared with text.
#ifndef SLUICE_TESTS_FAKES_PROTO_MATCHER_H_
#define SLUICE_TESTS_FAKES_PROTO_MATCHER_H_

#include <gmock/gmock.h>

#include <string>
#include <type_traits>

#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"

namespace sluice {

template <class Message>
Message ParseText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// Every field is as in the text format of a message of the same type, and no other is set.
MATCHER_P(EqualsText, text, std::string("equals ") + text) {
  using Message = std::decay_t<arg_type>;
  google::protobuf::util::MessageDifferencer differencer;
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  const bool equal = differencer.Compare(ParseText<Message>(text), arg);
  *result_listener << "differs in\n" << differences;
  return equal;
}

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_PROTO_MATCHER_H_
