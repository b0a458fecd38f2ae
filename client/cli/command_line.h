// From argv to what is asked.
#ifndef SLUICE_CLI_COMMAND_LINE_H_
#define SLUICE_CLI_COMMAND_LINE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "cli/exit_code.h"
#include "cli/remote.h"
#include "cli/simulate/simulation.h"
#include "envoy/service/ratelimit/v3/rls.pb.h"
#include "sluice/v1/admin.pb.h"
#include "sluice/v1/limiter.pb.h"

namespace sluice::cli {

enum class Output { kTable, kJson };

// Check these policy files, offline.
struct Validation {
  std::vector<std::string> files;  // at least one
};

// Print the JSON Schema of configuration files, offline.
struct SchemaRequest {};

struct Command {
  std::string address = "127.0.0.1:8081";
  std::string admin_address = "127.0.0.1:8082";
  absl::optional<Tls> tls;  // nullopt: in the clear
  Output output = Output::kTable;
  int64_t timeout_us = 1'000'000;
  // The configuration from which explain and policy answer; empty: they ask the server.
  std::string config;
  // What is asked is the request that is sent, where one is sent.
  absl::variant<v1::HitRequest, v1::CheckRequest, v1::StatRequest, v1::ShouldLimitRequest,
                v1::ResetRequest, envoy::service::ratelimit::v3::RateLimitRequest,
                v1::ExplainRequest, v1::GetPolicyRequest, v1::ReloadPolicyRequest,
                v1::SetOverrideRequest, v1::SetBreakerRequest, v1::ResetAllRequest, Validation,
                SchemaRequest, Simulation>
      ask;
};

// Something to say instead of a command: help and version for standard output with kExitFine, what
// is wrong for standard error with kExitError. Ends with a newline.
struct Notice {
  int exit_code = kExitError;
  std::string text;
};

// `arguments` without the program's name.
absl::variant<Command, Notice> ParseCommandLine(const std::vector<std::string>& arguments);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_COMMAND_LINE_H_
