// Backends of a test's own, where shared ones are asked for.
#ifndef SLUICE_TESTS_FAKES_BORROWED_H_
#define SLUICE_TESTS_FAKES_BORROWED_H_

#include <memory>

#include "backend/backend.h"

namespace sluice {

// Owns nothing: the backend outlives all who hold this.
inline std::shared_ptr<Backend> Borrowed(Backend& backend) {
  return {std::shared_ptr<void>(), &backend};
}

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_BORROWED_H_
