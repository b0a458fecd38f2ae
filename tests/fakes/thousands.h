// Numbers as people read them.
#ifndef SLUICE_TESTS_FAKES_THOUSANDS_H_
#define SLUICE_TESTS_FAKES_THOUSANDS_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

namespace sluice {

// "1,234,567"; of a number of at least 0.
inline std::string WithThousands(int64_t number) {
  std::string digits = absl::StrCat(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_THOUSANDS_H_
