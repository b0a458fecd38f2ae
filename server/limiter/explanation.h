// Why a request is treated as it is.
#ifndef SLUICE_LIMITER_EXPLANATION_H_
#define SLUICE_LIMITER_EXPLANATION_H_

#include <cstdint>
#include <string>

#include "policy/position.h"

namespace sluice {

// What decided, and where it stands; empty where nothing did, line 0 where no file says it.
struct Reason {
  std::string text;
  Position position;
};

// One throttle's row. What comes after the point at which it was clear is empty: of a throttle that
// a rule bypasses there is no cost, of one that is exempt no rate.
struct Explanation {
  std::string throttle;
  Position position;
  bool applies = false;
  std::string why_not;  // empty when it applies
  bool shadow = false;
  Reason rule;
  Reason exemption;
  uint64_t cost = 0;  // hits
  Reason cost_source;
  std::string identifier;  // after the template
  Reason identifier_source;
  std::string rate;
  Reason rate_source;
  std::string tenant;  // empty: the default tenant
  Reason tenant_source;
  std::string key;  // of the counter
  std::string backend;
  Reason backend_source;
};

}  // namespace sluice

#endif  // SLUICE_LIMITER_EXPLANATION_H_
