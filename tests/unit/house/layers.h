// The rules of the house that a reader of the sources can check: who may include what, who may ask
// the time, which locks and views are used.
#ifndef SLUICE_TESTS_UNIT_HOUSE_LAYERS_H_
#define SLUICE_TESTS_UNIT_HOUSE_LAYERS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice {

// Everything that is wrong with one source file, each as `path:line: what (why)`. `path` is
// relative to the repository's root.
std::vector<std::string> CheckSource(absl::string_view path, absl::string_view text);

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_HOUSE_LAYERS_H_
