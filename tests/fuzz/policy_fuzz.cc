// Any bytes as a configuration: it loads, or there are errors with a place; and what is shown of
// one that loads, loads again as the same.
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "policy/loader.h"
#include "policy/yaml.h"

namespace {

using sluice::LoadOptions;
using sluice::LoadPolicyText;
using sluice::PolicyError;
using sluice::PolicyResult;

void Check(bool holds, absl::string_view what, absl::string_view shown) {
  if (holds) return;
  std::cerr << what << ":\n" << shown << "\n";
  std::abort();
}

LoadOptions Options() {
  LoadOptions options;
  options.environment = [](absl::string_view name) -> absl::optional<std::string> {
    if (name == "RATE") return "20/min";
    return absl::nullopt;
  };
  options.files = false;
  return options;
}

std::string Lines(const std::vector<PolicyError>& errors) {
  std::string lines;
  for (const PolicyError& error : errors) lines += error.ToString() + "\n";
  return lines;
}

void CheckErrors(const PolicyResult& result) {
  Check((result.policy == nullptr) == !result.errors.empty(), "neither a policy nor an error", "");
  for (const PolicyError& error : result.errors) {
    Check(error.position.line > 0 && error.position.column > 0 && !error.what.empty(),
          "an error without a place", error.ToString());
    Check(!absl::StrContains(error.ToString(), '\n'), "an error of two lines", error.ToString());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const PolicyResult result = LoadPolicyText("fuzz.yaml", text, 1, Options());
  CheckErrors(result);
  if (result.policy == nullptr) return 0;
  const std::string& shown = result.policy->yaml;
  Check(sluice::YamlDocument(shown, "shown.yaml").problems().empty(), "no YAML is shown", shown);
  // What is masked may mean something else, and a domain's file is not here.
  if (absl::StrContains(shown, "***") || !result.policy->domains.empty()) return 0;
  const PolicyResult again = LoadPolicyText("shown.yaml", shown, 1, Options());
  Check(again.policy != nullptr, "what is shown does not load", shown + Lines(again.errors));
  Check(again.policy->yaml == shown, "what is shown is shown differently", shown);
  return 0;
}
