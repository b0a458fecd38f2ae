// The parameters of a strategy as the configuration has them, and the reader that checks them.
#ifndef SLUICE_STRATEGY_PARAMS_H_
#define SLUICE_STRATEGY_PARAMS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

// What stands beside `type` under `strategy:`, each value as its text.
using Params = std::vector<std::pair<std::string, std::string>>;

struct ParamError {
  std::string param;
  std::string text;  // names the strategy and the parameter too
};

// Reads each parameter once, then Finish() tells all that was wrong: values, and parameters that
// nobody asked for.
class ParamReader {
 public:
  // Both outlive the reader.
  ParamReader(absl::string_view strategy, const Params& params);

  bool Has(absl::string_view name) const;
  // A whole number in [1, kMaxAmount).
  int64_t Amount(absl::string_view name, int64_t absent);
  // A duration such as 250ms; microseconds.
  int64_t Duration(absl::string_view name, int64_t absent);
  // One of `choices`; the empty string when absent.
  absl::string_view Choice(absl::string_view name, absl::Span<const absl::string_view> choices);

  // Says that `name` is wrong for a reason of the strategy's own.
  void Refuse(absl::string_view name, absl::string_view why);

  // The message is the texts of all errors, and ParamErrorsOf() tells them apart.
  absl::Status Finish();

 private:
  const std::string* Find(absl::string_view name);

  const absl::string_view strategy_;
  const Params& params_;
  std::vector<absl::string_view> known_;
  std::vector<ParamError> errors_;
};

// What an answer of Finish() or Limit::Create says of parameters; empty when it is about none.
std::vector<ParamError> ParamErrorsOf(const absl::Status& status);

}  // namespace sluice

#endif  // SLUICE_STRATEGY_PARAMS_H_
