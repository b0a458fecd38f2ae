// How a strategy tells what only it knows, without knowing the messages of the API.
#ifndef SLUICE_STRATEGY_METADATA_H_
#define SLUICE_STRATEGY_METADATA_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace sluice {

// Receives a verdict's metadata by the names of strategies.md, which are the fields of the
// strategy's message in limiter.proto. A field that is not told is unset.
class MetadataSink {
 public:
  virtual ~MetadataSink() = default;
  // Times in ms since the Unix epoch or durations in ms, rates per ms, fractions of hits.
  virtual void Number(absl::string_view field, double value) = 0;
  virtual void Count(absl::string_view field, uint64_t value) = 0;
  virtual void Flag(absl::string_view field, bool value) = 0;
  virtual void Text(absl::string_view field, absl::string_view value) = 0;
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_METADATA_H_
