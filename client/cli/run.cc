#include "cli/run.h"

#include "absl/types/variant.h"
#include "cli/command_line.h"
#include "cli/render.h"
#include "cli/simulate/simulate.h"
#include "cli/validate.h"
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
int ExitCode(const v1::StatResponse&) { return kExitFine; }
int ExitCode(const RateLimitResponse& response) {
  return response.overall_code() == RateLimitResponse::OVER_LIMIT ? kExitDenied : kExitFine;
}

// Does what a command asks; returns the exit code.
class Runner {
 public:
  Runner(const Command& command, Console console, Dialer dial)
      : command_(command), console_(console), dial_(dial) {}

  int operator()(const v1::HitRequest& request) { return Ask<v1::HitResponse>(request); }
  int operator()(const v1::CheckRequest& request) { return Ask<v1::CheckResponse>(request); }
  int operator()(const v1::StatRequest& request) { return Ask<v1::StatResponse>(request); }
  int operator()(const RateLimitRequest& request) { return Ask<RateLimitResponse>(request); }
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
    Response response;
    const std::unique_ptr<Remote> remote =
        dial_({command_.address, command_.admin_address, command_.timeout_us, command_.tls});
    const CallStatus status = remote->Call(request, &response);
    if (!status.ok()) {
      console_.err << RenderError(command_.address, status);
      return kExitError;
    }
    console_.out << (command_.output == Output::kJson ? RenderJson(response)
                                                      : Render(request, response, console_.color));
    return ExitCode(response);
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
