// What a server would answer, without a server.
#ifndef SLUICE_CLI_OFFLINE_H_
#define SLUICE_CLI_OFFLINE_H_

#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "policy/policy_set.h"
#include "sluice/v1/admin.pb.h"

namespace sluice::cli {

// The configuration of that file or folder; nullptr when it does not load, and why on `err`.
std::shared_ptr<const PolicySet> LoadConfig(const std::string& config, std::ostream& err);

// As sluice.v1.Admin of a server that has just loaded the configuration. Errors are those of the
// method.
absl::Status Answer(const std::shared_ptr<const PolicySet>& policy,
                    const v1::ExplainRequest& request, v1::ExplainResponse* response);
absl::Status Answer(const std::shared_ptr<const PolicySet>& policy,
                    const v1::GetPolicyRequest& request, v1::GetPolicyResponse* response);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_OFFLINE_H_
