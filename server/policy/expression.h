// A cost that is computed from the context: `ceil(content_length / 1024)`.
#ifndef SLUICE_POLICY_EXPRESSION_H_
#define SLUICE_POLICY_EXPRESSION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/template.h"

namespace sluice {

// One expression in the syntax of Lua 5.4. Immutable, thread-safe, cheap to copy.
//
// A name is a context key: nil when absent or empty, a number when the value is a decimal number
// (`-12`, `007`, `1.50`; no exponent, at most 64 bytes), else a string. A key that is no Lua name
// is reached by `context["any key"]`, and `header["content-length"]` is the key
// `header.content-length`.
//
// The functions and constants of Lua's math library are global: abs acos asin atan ceil cos deg exp
// floor fmod huge log max min modf pi rad sin sqrt tan. They, `context` and `header` hide context
// keys of the same name, so that no caller can put a value in the place of `ceil`;
// `context["ceil"]` still is the key. There is nothing else: no other library, no method of
// strings, no metatables. Nothing can be assigned but an expression's own locals, and nothing is
// kept from one evaluation to the next.
//
// Numbers of the context, and what floor and ceil return, are floats. An integer would wrap around,
// and a caller who chooses the number could make it wrap to a cost of 0. So `'v' .. n` is `v5.0`,
// and what math has for integers (tointeger, type, ult and the like) is left out.
class Expression {
 public:
  // INVALID_ARGUMENT says what Lua dislikes and what would be right. At most 1024 bytes. Names are
  // not checked: any could be a context key.
  static absl::StatusOr<Expression> Compile(absl::string_view source);

  // The cost, 0 to kMaxAmount; what is not whole is rounded up. INVALID_ARGUMENT says why there is
  // none: an error of Lua, a result that is no such number, or a bound. The bounds are 10,000
  // instructions, 64 KiB of memory asked for, and 8 KiB for one string or table.
  absl::StatusOr<int64_t> Evaluate(ContextLookup lookup) const;

  const std::string& source() const;

 private:
  class Program;
  explicit Expression(std::shared_ptr<Program> program);

  std::shared_ptr<Program> program_;
};

}  // namespace sluice

#endif  // SLUICE_POLICY_EXPRESSION_H_
