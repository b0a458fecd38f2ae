#include "cli/run.h"

#include "absl/status/status.h"
#include "absl/types/variant.h"
#include "cli/command_line.h"
#include "cli/offline.h"
#include "cli/render.h"
#include "cli/simulate/simulate.h"
#include "cli/validate.h"
#include "google/protobuf/message.h"
#include "policy/schema.h"

namespace sluice::cli {
namespace {

using ::envoy::service::ratelimit::v3::RateLimitRequest;
using ::envoy::service::ratelimit::v3::RateLimitResponse;

int ExitCode(const v1::HitResponse& response) {
  return response.allowed() ? kExitFine : kExitDenied;
}
int ExitCode(const v1::CheckResponse& response) {
  return response.allowed() ? kExitFine : kExitDenied;
}
int ExitCode(const v1::ShouldLimitResponse& response) {
  return response.should_limit() ? kExitDenied : kExitFine;
}
int ExitCode(const RateLimitResponse& response) {
  return response.overall_code() == RateLimitResponse::OVER_LIMIT ? kExitDenied : kExitFine;
}
int ExitCode(const v1::ReloadPolicyResponse& response) {
  return response.errors().empty() ? kExitFine : kExitDenied;
}
// Of an answer that is fine whatever it tells.
int ExitCode(const google::protobuf::Message&) { return kExitFine; }

// Does what a command asks; returns the exit code.
class Runner {
 public:
  Runner(const Command& command, Console console, Dialer dial)
      : command_(command), console_(console), dial_(dial) {}

  int operator()(const v1::HitRequest& request) { return Ask<v1::HitResponse>(request); }
  int operator()(const v1::CheckRequest& request) { return Ask<v1::CheckResponse>(request); }
  int operator()(const v1::StatRequest& request) { return Ask<v1::StatResponse>(request); }
  int operator()(const v1::ShouldLimitRequest& request) {
    return Ask<v1::ShouldLimitResponse>(request);
  }
  int operator()(const RateLimitRequest& request) { return Ask<RateLimitResponse>(request); }
  int operator()(const v1::ResetRequest& request) { return Ask<v1::ResetResponse>(request); }
  int operator()(const v1::ResetAllRequest& request) {
    return AskAdmin<v1::ResetAllResponse>(request);
  }
  int operator()(const v1::ExplainRequest& request) {
    return AskConfigOrAdmin<v1::ExplainResponse>(request);
  }
  int operator()(const v1::GetPolicyRequest& request) {
    return AskConfigOrAdmin<v1::GetPolicyResponse>(request);
  }
  int operator()(const v1::ReloadPolicyRequest& request) {
    return AskAdmin<v1::ReloadPolicyResponse>(request);
  }
  int operator()(const v1::SetOverrideRequest& request) {
    return AskAdmin<v1::SetOverrideResponse>(request);
  }
  int operator()(const v1::SetBreakerRequest& request) {
    return AskAdmin<v1::SetBreakerResponse>(request);
  }
  int operator()(const Validation& validation) {
    return Validate(validation, command_.output, console_.out);
  }
  int operator()(const SchemaRequest&) {
    console_.out << JsonSchema();
    return kExitFine;
  }
  int operator()(const Simulation& simulation) {
    return Simulate(simulation,
                    {ReadFrom(console_.in), console_.out, console_.err, console_.progress});
  }

 private:
  template <class Response, class Request>
  int Ask(const Request& request) {
    return AskAt<Response>(command_.address, request);
  }
  template <class Response, class Request>
  int AskAdmin(const Request& request) {
    return AskAt<Response>(command_.admin_address, request);
  }

  // `address` is the one of the two that the request goes to.
  template <class Response, class Request>
  int AskAt(const std::string& address, const Request& request) {
    Response response;
    const std::unique_ptr<Remote> remote =
        dial_({command_.address, command_.admin_address, command_.timeout_us, command_.tls});
    const CallStatus status = remote->Call(request, &response);
    return status.ok() ? Print(request, response) : Fail(address, status);
  }

  template <class Response, class Request>
  int AskConfigOrAdmin(const Request& request) {
    if (command_.config.empty()) return AskAdmin<Response>(request);
    const std::shared_ptr<const PolicySet> policy = LoadConfig(command_.config, console_.err);
    if (policy == nullptr) return kExitError;
    Response response;
    const absl::Status status = Answer(policy, request, &response);
    if (status.ok()) return Print(request, response);
    CallStatus refused;
    refused.code = status.code();
    refused.message = std::string(status.message());
    return Fail(command_.config, refused);
  }

  template <class Request, class Response>
  int Print(const Request& request, const Response& response) {
    console_.out << (command_.output == Output::kJson ? RenderJson(response)
                                                      : Render(request, response, console_.color));
    return ExitCode(response);
  }

  int Fail(const std::string& address, const CallStatus& status) {
    console_.err << RenderError(address, status);
    return kExitError;
  }

  const Command& command_;
  Console console_;
  Dialer dial_;
};

}  // namespace

int Run(const std::vector<std::string>& arguments, Console console, Dialer dial) {
  const absl::variant<Command, Notice> parsed = ParseCommandLine(arguments);
  if (const Notice* notice = absl::get_if<Notice>(&parsed)) {
    (notice->exit_code == kExitFine ? console.out : console.err) << notice->text;
    return notice->exit_code;
  }
  const Command& command = absl::get<Command>(parsed);
  return absl::visit(Runner(command, console, dial), command.ask);
}

}  // namespace sluice::cli
