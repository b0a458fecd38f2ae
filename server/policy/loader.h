// From YAML to a PolicySet, or to everything that is wrong with it.
//
// A file is a configuration, or a domain in envoyproxy/ratelimit's grammar, which makes a policy of
// that domain alone. It is at most 8 MiB, 64 levels deep, and after aliases a million nodes and 16
// MiB of text. All files of a policy are at most 1000 and 64 MiB.
#ifndef SLUICE_POLICY_LOADER_H_
#define SLUICE_POLICY_LOADER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "policy/inputs.h"
#include "policy/policy_set.h"
#include "policy/variables.h"

namespace sluice {

struct PolicyError {
  Position position;
  std::string what;  // what is wrong
  std::string hint;  // what would be right; may be empty

  // `file:line:column: what (hint)`.
  std::string ToString() const;
};

struct PolicyResult {
  // nullptr iff there are errors.
  std::shared_ptr<const PolicySet> policy;
  // All of them, in the order of files and lines; of one file at most a thousand.
  std::vector<PolicyError> errors;
  // What works, and hardly as it is meant; `hint` says how it would. Of a policy that loads.
  std::vector<PolicyError> warnings;
  // What was read or looked for, also when there are errors.
  PolicyInputs inputs;
};

struct LoadOptions {
  // Of `${VAR}` in values.
  Environment environment = ProcessEnvironment();
  // Whether the configuration may name files. When it comes from afar it may not: errors would tell
  // of the files of this host.
  bool files = true;
  // What stands for `backends` where the configuration has none.
  BackendSpec backend = LocalBackend();
};

// `generation` is the number that the policy gets if it loads. A folder's configuration is that of
// all *.yaml, *.yml and *.json in it that are not hidden, in the order of their names: `backends`,
// `tenants` and `throttles` are joined, any other key is in one of them alone. Files that the
// configuration names are relative to its folder. Thread-safe, and reads the files anew on every
// call.
PolicyResult LoadPolicyFile(const std::string& path, uint64_t generation,
                            const LoadOptions& options = {});
// `name` stands for the file in errors; files that the text names are relative to the working
// directory.
PolicyResult LoadPolicyText(const std::string& name, absl::string_view text, uint64_t generation,
                            const LoadOptions& options = {});

// What sluiced runs on without --config: the text of deploy/examples/quickstart.yaml.
absl::string_view ExamplePolicy();

}  // namespace sluice

#endif  // SLUICE_POLICY_LOADER_H_
