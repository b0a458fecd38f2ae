// Characters in bytes that others sent.
#ifndef SLUICE_CORE_UTF8_H_
#define SLUICE_CORE_UTF8_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace sluice {

// Bytes in the character that `text` begins with, 1 to 4; 0 when it does not begin with valid UTF-8
// (overlong forms, surrogates and what lies above U+10FFFF are none).
size_t Utf8Length(absl::string_view text);

// Whether all of it is valid; the empty text is.
bool IsUtf8(absl::string_view text);

}  // namespace sluice

#endif  // SLUICE_CORE_UTF8_H_
