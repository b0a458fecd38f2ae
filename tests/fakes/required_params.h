// The parameters without which a strategy does not load.
#ifndef SLUICE_TESTS_FAKES_REQUIRED_PARAMS_H_
#define SLUICE_TESTS_FAKES_REQUIRED_PARAMS_H_

#include "absl/strings/string_view.h"
#include "strategy/params.h"

namespace sluice {

inline Params RequiredParams(absl::string_view strategy) {
  if (strategy == "token_bucket_with_debt") return {{"max_debt", "5"}};
  if (strategy == "tiered_rate") {
    return {{"tiers", ParamValue::Map({{"free", "1"}, {"pro", "5"}})}, {"default_tier", "free"}};
  }
  if (strategy == "time_of_day") {
    const auto window = [](const char* from, const char* to, const char* multiplier) {
      return ParamValue::Map({{"from", from}, {"to", to}, {"multiplier", multiplier}});
    };
    return {{"windows", ParamValue::List({window("8", "20", "2"), window("20", "8", "1")})}};
  }
  return {};
}

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_REQUIRED_PARAMS_H_
