#include "policy/param_text.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "policy/reader.h"
#include "policy/strategy_params.h"
#include "policy/yaml.h"

namespace sluice {
namespace {

constexpr absl::string_view kKey = "value";
constexpr absl::string_view kHint = "write it as YAML, such as 5, 250ms, [a, b] or {a: 1}";

absl::Status Wrong(absl::string_view what, absl::string_view hint) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, hint.empty() ? "" : absl::StrCat(" (", hint, ")")));
}

}  // namespace

absl::StatusOr<ParamValue> ParseParam(absl::string_view yaml) {
  // In its place of a document, where it cannot be what only a whole document can be.
  const YamlDocument document(absl::StrCat(kKey, ": ", yaml));
  if (!document.problems().empty()) {
    const YamlProblem& problem = document.problems().front();
    return Wrong(problem.what, problem.hint.empty() ? kHint : absl::string_view(problem.hint));
  }
  const YamlNode* root = document.root();
  if (root->kind != YamlNode::Kind::kMap || root->entries.size() != 1) {
    return Wrong("it goes on behind its value", "write one value");
  }
  const YamlNode& value = *root->entries.front().value;
  Outside outside;
  FileReader reader("", FileReader::Dialect::kSluice, outside);
  const absl::optional<ParamValue> param = ReadParam(reader, {kKey, &value});
  if (param.has_value()) return *param;
  const PolicyError error = reader.Errors().front();
  return Wrong(error.what, error.hint);
}

}  // namespace sluice
