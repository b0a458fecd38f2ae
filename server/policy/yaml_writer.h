// YAML trees as text.
#ifndef SLUICE_POLICY_YAML_WRITER_H_
#define SLUICE_POLICY_YAML_WRITER_H_

#include <cstddef>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/types/optional.h"
#include "policy/yaml.h"

namespace sluice {

inline constexpr size_t kMaxYamlBytes = size_t{1} << 20;

// What is to be written in place of a scalar; nullopt for what it is. In place of keys it is
// numbered, so that they differ.
using Instead = absl::FunctionRef<absl::optional<std::string>(const YamlNode& scalar)>;

// Text that parses to a tree of the same kinds and texts; what needs quotes to be read as text has
// them. Aliases are written out. Longer text is cut at a line's end behind kMaxYamlBytes, and its
// last line is then a comment that says so.
std::string WriteYaml(const YamlNode& root, Instead instead);

}  // namespace sluice

#endif  // SLUICE_POLICY_YAML_WRITER_H_
