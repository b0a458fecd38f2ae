#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "cli/arguments.h"
#include "cli/text.h"
#include "core/nearest.h"
#include "core/rate.h"
#include "core/utf8.h"

namespace sluice::cli {
namespace {

using ::envoy::service::ratelimit::v3::RateLimitRequest;

constexpr char kDescription[] =
    "Asks a Sluice server for rate limit decisions, checks its configuration, and tries "
    "strategies\n"
    "on traces.\n"
    "Exit codes: 0 allowed or fine, 1 denied, 2 usage or error.";

constexpr char kExamples[] =
    "Examples:\n"
    "  sluicectl hit api:burst --id alice\n"
    "  sluicectl stat api:burst --id alice --output json\n"
    "  sluicectl rls edge remote_address=10.0.0.1 path=/login,method=POST\n"
    "  sluicectl validate policy.yaml\n"
    "  sluicectl simulate --strategy gcra --rate 10/s --trace burst.csv --plot burst.svg\n"
    "Try 'sluicectl COMMAND --help'.";

constexpr char kSimulateFooter[] =
    "The trace is CSV with a header, its columns in any order: t_us (microseconds since the Unix\n"
    "epoch), and optionally cost (1), op (hit, check or stat; hit), key, and whatever context the\n"
    "strategy reads, such as tier or priority. An empty cell is as good as none. A row earlier "
    "than\n"
    "the one before it is a clock that ran back. No counter expires.\n"
    "\n"
    "Standard output is CSV with a row for each row of the trace, written as it is read:\n"
    "  t_us,key,op,cost,allowed,hits_remaining,wait_us,reset_us\n"
    "allowed is 0 or 1, and inf stands for never and for unlimited. With several strategies each\n"
    "row of the trace gives a row a strategy, with a column `strategy` in front.\n"
    "\n"
    "A parameter's value is the YAML that stands behind it under `strategy:` in the "
    "configuration.\n"
    "With several strategies it goes to each that knows it, and one must; STRATEGY:k=v goes to "
    "that\n"
    "one alone.\n"
    "\n"
    "The picture has a panel a strategy. Its remaining hits are those of the first row's key, the\n"
    "lowest in each bin; its limit is that of one key.\n"
    "\n"
    "Exits 0 whatever was denied; 2 for a bad parameter, column or number, which it names. Rows\n"
    "before a bad one stay written.\n"
    "\n"
    "Examples:\n"
    "  sluicectl simulate --strategy gcra --rate 10/s --param burst=10 --trace trace.csv\n"
    "  sluicectl simulate --strategy tiered_rate --rate 100/min --param default_tier=free \\\n"
    "      --param 'tiers={\"free\": 0.5, \"pro\": 5}' < trace.csv\n"
    "  sluicectl simulate --strategy fixed_window --strategy gcra --rate 100/min --trace trace.csv "
    "\\\n"
    "      --param gcra:burst=20 --plot out.svg --summary > answers.csv";

// The arguments as they stand.
struct Raw {
  std::string address;
  std::string admin_address;
  std::string tls_ca;
  std::string tls_cert;
  std::string tls_key;
  std::string output;
  std::string timeout;
  std::vector<std::string> throttles;
  std::string id;
  absl::optional<std::string> cost;
  std::vector<std::string> costs;
  std::vector<std::string> context;
  std::string tenant;
  std::string detail;
  std::string domain;
  std::vector<std::string> descriptors;
  std::string hits;
  std::vector<std::string> files;
  Simulation simulation;
};

absl::Status About(absl::string_view argument, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrCat(argument, ": ", status.message()));
}

// Without the list that CLI11 would print behind the type.
CLI::Validator OneOf(std::vector<std::string> words) {
  return CLI::IsMember(std::move(words)).description("");
}

void AddOutput(CLI::App& app, Raw& raw) {
  app.add_option("--output", raw.output, "How to print the answer [table]")
      ->type_name("table|json")
      ->check(OneOf({"table", "json"}));
}

void AddServer(CLI::App& app, Raw& raw) {
  app.add_option("--addr", raw.address, "The server's gRPC address [127.0.0.1:8081]")
      ->type_name("HOST:PORT");
  app.add_option("--timeout", raw.timeout, "How long to wait for the answer [1s]")
      ->type_name("DURATION");
  app.add_option("--tls-ca", raw.tls_ca, "Speak TLS, and believe servers with a certificate of it")
      ->type_name("FILE");
  app.add_option("--tls-cert", raw.tls_cert, "Speak TLS, and show this certificate")
      ->type_name("FILE");
  app.add_option("--tls-key", raw.tls_key, "The private key of --tls-cert")->type_name("FILE");
}

void AddAdmin(CLI::App& app, Raw& raw) {
  app.add_option("--admin-addr", raw.admin_address, "The server's Admin address [127.0.0.1:8082]")
      ->type_name("HOST:PORT");
}

// One value each time that it is given: what follows is still a throttle.
void AddRepeatable(CLI::App& app, const char* name, std::vector<std::string>& values,
                   const char* help, const char* type) {
  app.add_option(name, values, help)->type_name(type)->allow_extra_args(false);
}

CLI::Option* AddPositionals(CLI::App& app, const char* name, std::vector<std::string>& values,
                            const char* help) {
  return app.add_option(name, values, help)->required()->type_name("");
}

void AddThrottleCommand(CLI::App& app, const char* name, const char* help, Raw& raw) {
  CLI::App& sub = *app.add_subcommand(name, help);
  sub.footer(absl::StrCat("Example: sluicectl ", name, " api:burst --id alice"));
  AddPositionals(sub, "THROTTLE", raw.throttles, "Uids of the throttles to ask, all or none");
  sub.add_option("--id", raw.id, "Who asks: a user, an API key, an address")
      ->required()
      ->type_name("WHO");
  sub.add_option("--cost", raw.cost, "Hits that it counts for [the throttle's own cost]")
      ->type_name("N");
  AddRepeatable(sub, "--costs", raw.costs, "Hits for one of the throttles, over --cost; repeatable",
                "THROTTLE=N");
  AddRepeatable(sub, "--context", raw.context, "An attribute of the request; repeatable", "k=v");
  sub.add_option("--tenant", raw.tenant, "Whose counters [the default tenant]")->type_name("T");
  sub.add_option("--detail", raw.detail, "How much to ask for [stat for a table, full for JSON]")
      ->type_name("decision|stat|full")
      ->check(OneOf({"decision", "stat", "full"}));
  AddServer(sub, raw);
  AddOutput(sub, raw);
}

void AddRlsCommand(CLI::App& app, Raw& raw) {
  CLI::App& sub = *app.add_subcommand("rls", "Ask as Envoy does: one ShouldRateLimit");
  sub.footer("Example: sluicectl rls edge remote_address=10.0.0.1 path=/login,method=POST");
  sub.add_option("DOMAIN", raw.domain, "The domain to look in")->required()->type_name("");
  AddPositionals(sub, "DESCRIPTOR", raw.descriptors,
                 "k=v[,k=v]...: one argument a descriptor; a comma inside a value is written \\,");
  sub.add_option("--hits", raw.hits, "Hits that the request counts for [1]")->type_name("N");
  AddServer(sub, raw);
  AddOutput(sub, raw);
}

void AddValidateCommand(CLI::App& app, Raw& raw) {
  CLI::App& sub = *app.add_subcommand(
      "validate", "Print every error of configuration files; exit 1 when there are any");
  sub.footer("Every key is in CONFIGURATION.md.\nExample: sluicectl validate policy.yaml");
  AddPositionals(sub, "FILE", raw.files, "Configuration files, each a policy of its own")
      ->check(CLI::Validator(CLI::ExistingFile).description(""));
  AddOutput(sub, raw);
}

void AddSchemaCommand(CLI::App& app) {
  CLI::App& sub = *app.add_subcommand(
      "schema", "Print the JSON Schema of configuration files, for editors and linters");
  sub.footer("Example: sluicectl schema > sluice.schema.json");
}

void AddSimulateCommand(CLI::App& app, Raw& raw) {
  CLI::App& sub = *app.add_subcommand(
      "simulate", "Replay a trace through strategies, in the trace's own time and offline");
  sub.footer(kSimulateFooter);
  Simulation& simulation = raw.simulation;
  AddRepeatable(sub, "--strategy", simulation.strategies,
                "Which algorithm: fixed_window, gcra, ...; repeatable, to compare", "S");
  sub.get_option("--strategy")->required();
  sub.add_option("--rate", simulation.rate, "Such as 100/min, 2 per second or unlimited")
      ->required()
      ->type_name("R");
  AddRepeatable(sub, "--param", simulation.params, "A parameter of the strategy; repeatable",
                "[S:]k=v");
  sub.add_option("--trace", simulation.trace, "The trace; - is standard input [-]")
      ->type_name("FILE");
  sub.add_option("--plot", simulation.plot,
                 "Draw admitted, denied and remaining hits over time, as SVG")
      ->type_name("FILE");
  sub.add_option("--backend", simulation.backend,
                 "Replay through redis://HOST:PORT; not supported yet")
      ->type_name("URL");
  sub.add_flag("--summary", simulation.summary,
               "Print totals, waits and peaks to standard error, behind the rows");
}

void Declare(CLI::App& app, Raw& raw) {
  app.footer(kExamples);
  app.set_version_flag("--version", "sluicectl " SLUICE_VERSION);
  app.require_subcommand(1);
  AddServer(app, raw);
  AddAdmin(app, raw);
  AddOutput(app, raw);
  AddThrottleCommand(app, "hit", "Record a hit: take it if it is allowed", raw);
  AddThrottleCommand(app, "check", "Would this hit pass now? Takes nothing", raw);
  AddThrottleCommand(app, "stat", "Show the state. Takes nothing", raw);
  AddRlsCommand(app, raw);
  AddValidateCommand(app, raw);
  AddSchemaCommand(app);
  AddSimulateCommand(app, raw);
}

v1::Detail DetailOf(const Raw& raw) {
  if (raw.detail == "decision") return v1::DETAIL_DECISION;
  if (raw.detail == "stat") return v1::DETAIL_STAT;
  if (raw.detail == "full") return v1::DETAIL_FULL;
  return raw.output == "json" ? v1::DETAIL_FULL : v1::DETAIL_STAT;
}

// HitRequest, CheckRequest and StatRequest have the same fields.
template <class Request>
absl::StatusOr<Request> ThrottleRequest(const Raw& raw) {
  Request request;
  request.mutable_throttles()->Assign(raw.throttles.begin(), raw.throttles.end());
  request.set_identifier(raw.id);
  if (raw.cost.has_value()) {
    const absl::StatusOr<uint64_t> cost = ParseCount(*raw.cost);
    if (!cost.ok()) return About("--cost", cost.status());
    request.set_cost(*cost);
  }
  auto context = ParseContext(raw.context);
  if (!context.ok()) return About("--context", context.status());
  *request.mutable_context() = *std::move(context);
  auto costs = ParseCosts(raw.costs);
  if (!costs.ok()) return About("--costs", costs.status());
  *request.mutable_costs() = *std::move(costs);
  request.set_tenant(raw.tenant);
  request.set_detail(DetailOf(raw));
  return request;
}

absl::StatusOr<RateLimitRequest> RlsRequest(const Raw& raw) {
  RateLimitRequest request;
  request.set_domain(raw.domain);
  for (const std::string& argument : raw.descriptors) {
    auto descriptor = ParseDescriptor(argument);
    if (!descriptor.ok()) return About("DESCRIPTOR", descriptor.status());
    *request.add_descriptors() = *std::move(descriptor);
  }
  if (!raw.hits.empty()) {
    const absl::StatusOr<uint64_t> hits = ParseCount(raw.hits, UINT32_MAX);
    if (!hits.ok()) return About("--hits", hits.status());
    request.set_hits_addend(static_cast<uint32_t>(*hits));
  }
  return request;
}

// Protobuf's strings are UTF-8; a descriptor's keys and values alone are bytes.
absl::Status CheckEncoding(const Raw& raw) {
  const auto bad = [](const std::string& text) { return !IsUtf8(text); };
  const auto any_bad = [&bad](const std::vector<std::string>& texts) {
    return std::any_of(texts.begin(), texts.end(), bad);
  };
  const std::pair<absl::string_view, bool> arguments[] = {
      {"THROTTLE", any_bad(raw.throttles)}, {"--id", bad(raw.id)},
      {"--context", any_bad(raw.context)},  {"--costs", any_bad(raw.costs)},
      {"--tenant", bad(raw.tenant)},        {"DOMAIN", bad(raw.domain)},
  };
  for (const auto& [name, is_bad] : arguments) {
    if (is_bad) return absl::InvalidArgumentError(absl::StrCat(name, ": is not valid UTF-8"));
  }
  return absl::OkStatus();
}

template <class Request>
absl::Status Ask(absl::StatusOr<Request> request, Command& command) {
  if (!request.ok()) return request.status();
  command.ask = *std::move(request);
  return absl::OkStatus();
}

absl::Status AskFor(const std::string& name, const Raw& raw, Command& command) {
  absl::Status encoding = CheckEncoding(raw);
  if (!encoding.ok()) return encoding;
  if (name == "hit") return Ask(ThrottleRequest<v1::HitRequest>(raw), command);
  if (name == "check") return Ask(ThrottleRequest<v1::CheckRequest>(raw), command);
  if (name == "stat") return Ask(ThrottleRequest<v1::StatRequest>(raw), command);
  if (name == "rls") return Ask(RlsRequest(raw), command);
  if (name == "simulate") {
    command.ask = raw.simulation;
  } else if (name == "schema") {
    command.ask = SchemaRequest();
  } else {
    command.ask = Validation{raw.files};
  }
  return absl::OkStatus();
}

absl::StatusOr<Command> Build(const std::string& name, const Raw& raw) {
  Command command;
  if (!raw.address.empty()) command.address = raw.address;
  if (!raw.admin_address.empty()) command.admin_address = raw.admin_address;
  absl::StatusOr<absl::optional<Tls>> tls = ReadTls(raw.tls_ca, raw.tls_cert, raw.tls_key);
  if (!tls.ok()) return tls.status();
  command.tls = *std::move(tls);
  if (raw.output == "json") command.output = Output::kJson;
  if (!raw.timeout.empty()) {
    const absl::StatusOr<int64_t> timeout = ParseDuration(raw.timeout);
    if (!timeout.ok()) return About("--timeout", timeout.status());
    if (*timeout == 0) return absl::InvalidArgumentError("--timeout: must be above 0");
    command.timeout_us = *timeout;
  }
  absl::Status asked = AskFor(name, raw, command);
  if (!asked.ok()) return asked;
  return command;
}

// The subcommand that was recognised; nullptr without one.
CLI::App* Subcommand(const CLI::App& app) {
  const auto subcommands = app.get_subcommands();
  return subcommands.empty() ? nullptr : subcommands.front();
}

Notice UsageError(const CLI::App& app, absl::string_view what) {
  const CLI::App* sub = Subcommand(app);
  const std::string name = sub == nullptr ? "" : absl::StrCat(" ", sub->get_name());
  return {kExitError,
          absl::StrCat("sluicectl", name, ": ", what, "\nTry 'sluicectl", name, " --help'.\n")};
}

// CLI11 says of a mistyped command only that a "subcommand" is required.
std::string Explain(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> left = app.remaining();
  if (Subcommand(app) != nullptr) return error.what();
  if (left.empty()) {
    return error.get_name() == "RequiredError" ? "a command is required" : error.what();
  }
  const std::string& word = left.front();
  if (!word.empty() && word[0] == '-') {
    return absl::StrCat("unknown option '", Printable(word), "'");
  }
  std::vector<absl::string_view> commands;
  const auto all = app.get_subcommands([](const CLI::App*) { return true; });
  commands.reserve(all.size());
  for (const CLI::App* sub : all) commands.push_back(sub->get_name());
  const absl::string_view nearest = Nearest(word, commands);
  return absl::StrCat("unknown command '", Printable(word), "'",
                      nearest.empty() ? "" : absl::StrCat(" (did you mean ", nearest, "?)"));
}

}  // namespace

absl::variant<Command, Notice> ParseCommandLine(const std::vector<std::string>& arguments) {
  Raw raw;
  CLI::App app(kDescription, "sluicectl");
  Declare(app, raw);
  try {
    // CLI11 wants them last first.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForVersion& version) {
    return Notice{kExitFine, absl::StrCat(version.what(), "\n")};
  } catch (const CLI::Success&) {
    return Notice{kExitFine, app.help()};
  } catch (const CLI::ParseError& error) {
    return UsageError(app, Explain(app, error));
  }
  absl::StatusOr<Command> command = Build(Subcommand(app)->get_name(), raw);
  if (!command.ok()) {
    return UsageError(app, absl::string_view(command.status().message()));
  }
  return *std::move(command);
}

}  // namespace sluice::cli
