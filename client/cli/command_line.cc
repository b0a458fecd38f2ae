#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "cli/arguments.h"
#include "cli/raw.h"
#include "cli/requests.h"
#include "cli/text.h"
#include "core/nearest.h"
#include "core/rate.h"

namespace sluice::cli {
namespace {

constexpr char kDescription[] =
    "Asks a Sluice server for rate limit decisions, checks, explains and changes its "
    "configuration,\n"
    "and tries strategies on traces.\n"
    "Exit codes: 0 allowed or fine, 1 denied, 2 usage or error.";

constexpr char kExamples[] =
    "Examples:\n"
    "  sluicectl hit api:burst --id alice\n"
    "  sluicectl stat api:burst --id alice --output json\n"
    "  sluicectl rls edge remote_address=10.0.0.1 path=/login,method=POST\n"
    "  sluicectl validate policy.yaml\n"
    "  sluicectl explain --method GET --path /health --id alice --config policy.yaml\n"
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
    "With --backend the counters are in a Redis, under a name of this run's own, and are removed "
    "at\n"
    "its end; the answers are the same.\n"
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

// Who asks, and what it costs.
CLI::Option* AddQuestion(CLI::App& app, Raw& raw) {
  app.add_option("--cost", raw.cost, "Hits that it counts for [the throttle's own cost]")
      ->type_name("N");
  AddRepeatable(app, "--costs", raw.costs, "Hits for one of the throttles, over --cost; repeatable",
                "THROTTLE=N");
  AddRepeatable(app, "--context", raw.context, "An attribute of the request; repeatable", "k=v");
  app.add_option("--tenant", raw.tenant, "Whose counters [the default tenant]")->type_name("T");
  return app.add_option("--id", raw.id, "Who asks: a user, an API key, an address")
      ->type_name("WHO");
}

// What a gateway knows of a request.
void AddHttp(CLI::App& app, Raw& raw) {
  app.add_option("--method", raw.method, "The request's HTTP method")->type_name("M");
  app.add_option("--path", raw.path, "Its path; a query is cut off")->type_name("P");
  AddRepeatable(app, "--header", raw.headers, "A header of it; repeatable", "k=v");
  app.add_option("--remote-address", raw.remote_address, "Who connected to the gateway")
      ->type_name("A");
}

void AddThrottleCommand(CLI::App& app, const char* name, const char* help, Raw& raw) {
  CLI::App& sub = *app.add_subcommand(name, help);
  sub.footer(absl::StrCat("Example: sluicectl ", name, " api:burst --id alice"));
  AddPositionals(sub, "THROTTLE", raw.throttles, "Uids of the throttles to ask, all or none");
  AddQuestion(sub, raw)->required();
  sub.add_option("--detail", raw.detail, "How much to ask for [stat for a table, full for JSON]")
      ->type_name("decision|stat|full")
      ->check(OneOf({"decision", "stat", "full"}));
  AddServer(sub, raw);
  AddOutput(sub, raw);
}

void AddShouldLimitCommand(CLI::App& app, Raw& raw) {
  CLI::App& sub = *app.add_subcommand(
      "should-limit", "Ask as a gateway does: all throttles that apply, and what to answer");
  sub.footer(
      "Example: sluicectl should-limit --method GET --path /api --header x-api-key=k --id alice");
  AddHttp(sub, raw);
  AddQuestion(sub, raw);
  sub.add_flag("--dry-run", raw.dry_run, "Look, and take nothing");
  AddServer(sub, raw);
  AddOutput(sub, raw);
}

void AddResetCommand(CLI::App& app, Raw& raw) {
  CLI::App& sub = *app.add_subcommand("reset", "Forget what somebody has used");
  sub.footer(
      "--id asks the server's gRPC address, and needs `server.allow_reset` or an `auth` that lets\n"
      "this caller. --all asks its Admin address; the counters of an Envoy domain have the "
      "throttle\n"
      "domain:NAME.\n"
      "\n"
      "Examples:\n"
      "  sluicectl reset api:burst api:sustained --id alice\n"
      "  sluicectl reset api:burst --all\n"
      "  sluicectl reset --all --tenant acme");
  AddPositionals(sub, "THROTTLE", raw.throttles, "Uids of the throttles to forget it under")
      ->required(false);
  sub.add_option("--id", raw.id, "Whose: of one identifier")->type_name("WHO");
  sub.add_flag("--all", raw.all, "Everybody's, of one THROTTLE, a tenant or both");
  AddRepeatable(sub, "--context", raw.context, "An attribute of the request; repeatable", "k=v");
  sub.add_option("--tenant", raw.tenant, "Whose counters [--id: the default tenant's; --all: all]")
      ->type_name("T");
  AddServer(sub, raw);
  AddAdmin(sub, raw);
  AddOutput(sub, raw);
}

// An option to answer without a server.
void AddConfig(CLI::App& app, Raw& raw) {
  app.add_option("--config", raw.config,
                 "Ask no server: answer as one with this configuration would")
      ->type_name("FILE");
}

void AddExplainCommand(CLI::App& app, Raw& raw) {
  CLI::App& sub = *app.add_subcommand(
      "explain", "Which throttles apply to a request, and what decides; takes nothing");
  sub.footer(
      "Without a THROTTLE it explains what a gateway is told (should-limit), throttle by "
      "throttle;\n"
      "with them, a hit. Each line ends with the place in the configuration that says so.\n"
      "\n"
      "Examples:\n"
      "  sluicectl explain --method GET --path /health --id alice\n"
      "  sluicectl explain api:burst --id alice --context plan=pro --config policy.yaml");
  AddPositionals(sub, "THROTTLE", raw.throttles, "Uids of the throttles that a hit names")
      ->required(false);
  AddHttp(sub, raw);
  AddQuestion(sub, raw);
  AddConfig(sub, raw);
  AddServer(sub, raw);
  AddAdmin(sub, raw);
  AddOutput(sub, raw);
}

void AddPolicyCommand(CLI::App& app, Raw& raw) {
  CLI::App& sub = *app.add_subcommand("policy", "Print the configuration in force, as YAML");
  sub.footer(
      "Files are joined, `defaults` moved into the throttles, and secrets masked.\n"
      "\n"
      "Examples:\n"
      "  sluicectl policy\n"
      "  sluicectl policy --config policy.yaml");
  AddConfig(sub, raw);
  AddServer(sub, raw);
  AddAdmin(sub, raw);
  AddOutput(sub, raw);
}

void AddReloadCommand(CLI::App& app, Raw& raw) {
  CLI::App& sub = *app.add_subcommand(
      "reload", "Have the server read its files; exit 1, with the errors, when it cannot");
  AddServer(sub, raw);
  AddAdmin(sub, raw);
  AddOutput(sub, raw);
}

void AddOverrideCommand(CLI::App& app, Raw& raw) {
  CLI::App& sub =
      *app.add_subcommand("override", "Change a throttle for a while; the files stay as they are");
  sub.footer(
      "An override takes the place of the one before, goes on over reloads, and ends by itself.\n"
      "\n"
      "Examples:\n"
      "  sluicectl override api:burst --rate 100/min --for 10m\n"
      "  sluicectl override '*' --shadow true --for 1h\n"
      "  sluicectl override api:burst --end");
  const auto word = [&sub](const char* name, absl::optional<std::string>& value, const char* help) {
    return sub.add_option(name, value, help);
  };
  sub.add_option("THROTTLE", raw.throttle, "Uid of the throttle, or * for all")
      ->required()
      ->type_name("");
  for (CLI::Option* flag : {word("--enabled", raw.enabled, "Switch it on or off"),
                            word("--shadow", raw.shadow, "Only report, or enforce")}) {
    flag->type_name("true|false")->check(OneOf({"true", "false"}));
  }
  word("--rate", raw.rate, "Another rate, such as 100/min")->type_name("R");
  word("--cost", raw.cost, "Another cost; a request's own still wins")->type_name("N");
  word("--for", raw.duration, "How long, at most 366d")->type_name("DURATION");
  sub.add_flag("--end", raw.end, "Take away the override that there is");
  AddServer(sub, raw);
  AddAdmin(sub, raw);
  AddOutput(sub, raw);
}

void AddBreakerCommand(CLI::App& app, Raw& raw) {
  CLI::App& sub = *app.add_subcommand("breaker", "Force the circuit breaker of a backend");
  sub.footer(
      "Open: the backend is asked nothing, and each throttle's on_error says what holds. Closed: "
      "it\n"
      "is asked whatever happens. Automatic: the breaker decides by itself again. A restart makes\n"
      "it automatic.\n"
      "\n"
      "Example: sluicectl breaker shared open");
  sub.add_option("BACKEND", raw.backend, "Name of the backend")->required()->type_name("");
  sub.add_option("STATE", raw.breaker, "open, closed or automatic")
      ->required()
      ->type_name("")
      ->check(OneOf({"open", "closed", "automatic"}));
  AddServer(sub, raw);
  AddAdmin(sub, raw);
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
  CLI::App& sub =
      *app.add_subcommand("simulate", "Replay a trace through strategies, in the trace's own time");
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
                 "Keep the counters in a Redis: redis://[USER:PASSWORD@]HOST[:PORT][/DB]")
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
  AddShouldLimitCommand(app, raw);
  AddRlsCommand(app, raw);
  AddResetCommand(app, raw);
  AddExplainCommand(app, raw);
  AddPolicyCommand(app, raw);
  AddReloadCommand(app, raw);
  AddOverrideCommand(app, raw);
  AddBreakerCommand(app, raw);
  AddValidateCommand(app, raw);
  AddSchemaCommand(app);
  AddSimulateCommand(app, raw);
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
  if (name == "hit") return Ask(MakeHit(raw), command);
  if (name == "check") return Ask(MakeCheck(raw), command);
  if (name == "stat") return Ask(MakeStat(raw), command);
  if (name == "should-limit") return Ask(MakeShouldLimit(raw), command);
  if (name == "rls") return Ask(MakeRls(raw), command);
  if (name == "explain") return Ask(MakeExplain(raw), command);
  if (name == "override") return Ask(MakeOverride(raw), command);
  if (name == "breaker") {
    command.ask = MakeBreaker(raw);
    return absl::OkStatus();
  }
  if (name == "reset") {
    return raw.all ? Ask(MakeResetAll(raw), command) : Ask(MakeReset(raw), command);
  }
  if (name == "policy") {
    command.ask = v1::GetPolicyRequest();
  } else if (name == "reload") {
    command.ask = v1::ReloadPolicyRequest();
  } else if (name == "simulate") {
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
  command.config = raw.config;
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
