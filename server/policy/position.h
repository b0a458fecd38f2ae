// Places in a configuration.
#ifndef SLUICE_POLICY_POSITION_H_
#define SLUICE_POLICY_POSITION_H_

#include <string>

namespace sluice {

// Where something stands in the configuration; lines and columns count from 1.
struct Position {
  std::string file;
  int line = 0;
  int column = 0;
};

}  // namespace sluice

#endif  // SLUICE_POLICY_POSITION_H_
