// What a throttle puts into answers, from YAML: headers and the body of a denial.
#ifndef SLUICE_POLICY_ANSWER_READER_H_
#define SLUICE_POLICY_ANSWER_READER_H_

#include "policy/policy_set.h"
#include "policy/reader.h"

namespace sluice {

// `headers`: a word, or a map.
HeaderPolicy ReadHeaders(FileReader& file, Field field);

// `response`.
DenialResponse ReadResponse(FileReader& file, Field field);

}  // namespace sluice

#endif  // SLUICE_POLICY_ANSWER_READER_H_
