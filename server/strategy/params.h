// The parameters of a strategy as the configuration has them, and the reader that checks them.
#ifndef SLUICE_STRATEGY_PARAMS_H_
#define SLUICE_STRATEGY_PARAMS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "core/rate.h"

namespace sluice {

// A value as the configuration has it: a word, a list, or a map in the order of the file.
struct ParamValue {
  enum class Kind { kScalar, kList, kMap };

  ParamValue() = default;
  // Not explicit, so that a word is written as its text.
  ParamValue(std::string word) : text(std::move(word)) {}  // NOLINT(google-explicit-constructor)
  ParamValue(const char* word) : text(word) {}             // NOLINT(google-explicit-constructor)

  static ParamValue List(std::vector<ParamValue> items);
  static ParamValue Map(std::vector<std::pair<std::string, ParamValue>> entries);

  Kind kind = Kind::kScalar;
  std::string text;                                         // of a word
  std::vector<ParamValue> items;                            // of a list
  std::vector<std::pair<std::string, ParamValue>> entries;  // of a map

  // "'word'", "a list", "a map", for errors.
  std::string Found() const;
  // As YAML in one line, for people: `250ms`, `{free: 0.5, pro: 5}`.
  std::string ToString() const;
};

// What stands beside `type` under `strategy:`.
using Params = std::vector<std::pair<std::string, ParamValue>>;

struct ParamError {
  std::string param;
  std::string text;      // names the strategy and the parameter too
  bool unknown = false;  // whether the strategy has no such parameter
};

// Reads each parameter once, then Finish() tells all that was wrong: values, and parameters that
// nobody asked for.
class ParamReader {
 public:
  // Both outlive the reader.
  ParamReader(absl::string_view strategy, const Params& params);

  bool Has(absl::string_view name) const;
  // A whole number in [least, most].
  int64_t Amount(absl::string_view name, int64_t absent, int64_t least = 1,
                 int64_t most = kMaxAmount - 1);
  // A decimal of at most `digits` (to 6) digits after the point, in [least, most] millionths.
  int64_t Millionths(absl::string_view name, int64_t absent, int64_t least, int64_t most,
                     int digits = 6);
  // true or false.
  bool Flag(absl::string_view name);
  // A word that is not empty; `hint` says what would be right.
  std::string Word(absl::string_view name, absl::string_view absent, absl::string_view hint);
  // A duration such as 250ms; microseconds.
  int64_t Duration(absl::string_view name, int64_t absent);
  // One of `choices`; the empty string when absent.
  absl::string_view Choice(absl::string_view name, absl::Span<const absl::string_view> choices);

  // The value itself, for what only one strategy has; nullptr when it is absent, after refusing it
  // when it is `required`, which says what would be right.
  const ParamValue* Value(absl::string_view name, absl::string_view required = {});

  // Says that `name` is wrong for a reason of the strategy's own.
  void Refuse(absl::string_view name, absl::string_view why);

  // The message is the texts of all errors, and ParamErrorsOf() tells them apart.
  absl::Status Finish();

 private:
  const ParamValue* Find(absl::string_view name);
  // The text of a word; nullptr when it is absent, or after refusing a list or a map.
  const std::string* FindWord(absl::string_view name);

  const absl::string_view strategy_;
  const Params& params_;
  std::vector<absl::string_view> known_;
  std::vector<ParamError> errors_;
};

// Digits alone, without sign or blank, up to 2^63 - 1; nullopt for anything else.
absl::optional<int64_t> ParseWhole(absl::string_view text);
// "0.25" or "3" as millionths: digits, at most `digits` (to 6) of them after a point, no sign,
// below 2^52 in all; nullopt for anything else.
absl::optional<int64_t> ParseMillionths(absl::string_view text, int digits = 6);
// The shortest text of so many millionths: "0.25", "3".
std::string MillionthsText(int64_t millionths);

// What an answer of Finish() or Limit::Create says of parameters; empty when it is about none.
std::vector<ParamError> ParamErrorsOf(const absl::Status& status);

}  // namespace sluice

#endif  // SLUICE_STRATEGY_PARAMS_H_
