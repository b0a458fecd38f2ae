#include "tests/unit/strategy/trace.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace sluice {
namespace {

absl::string_view OpOf(Kind kind) {
  return kind == Kind::kHit ? "hit" : kind == Kind::kLook ? "check" : "settle";
}

// The context key that the request's label stands under; empty where there is none.
absl::string_view ContextKeyOf(const Spec& spec) {
  if (spec.strategy == "priority_queue") return "priority";
  return spec.tiers.empty() ? "" : "tier";
}

std::string Row(const Spec& spec, const Moment& moment) {
  std::string row =
      absl::StrCat(moment.now_us, ",", OpOf(moment.event.kind), ",", moment.event.amount);
  if (!ContextKeyOf(spec).empty()) absl::StrAppend(&row, ",", moment.event.label);
  return row;
}

}  // namespace

std::string CommandLineOf(const Spec& spec) {
  std::string line = absl::StrCat("sluicectl simulate --strategy ", spec.strategy, " --rate ",
                                  Rate::Create(spec.limit, spec.period_us)->ToString());
  for (const auto& [name, value] : spec.ToParams()) {
    absl::StrAppend(&line, " --param '", name, "=", value.ToString(), "'");
  }
  return absl::StrCat(line, " --trace trace.csv");
}

std::string TraceOf(const Spec& spec, const std::vector<Moment>& moments) {
  std::string csv = "t_us,op,cost";
  if (!ContextKeyOf(spec).empty()) absl::StrAppend(&csv, ",", ContextKeyOf(spec));
  for (const Moment& moment : moments) {
    if (moment.event.kind != Kind::kSettle) absl::StrAppend(&csv, "\n", Row(spec, moment));
  }
  return absl::StrCat(csv, "\n");
}

std::ostream& operator<<(std::ostream& out, const Spec& spec) { return out << CommandLineOf(spec); }

// The command replays what it can. What simulate has no word for is told as it was drawn.
std::ostream& operator<<(std::ostream& out, const Case& one) {
  const std::vector<Moment> moments = Replay(JudgeOf(*one.spec.Create()), one);
  out << one.spec << "\ntrace.csv:\n" << TraceOf(one.spec, moments);
  const bool settles = std::any_of(moments.begin(), moments.end(), [](const Moment& moment) {
    return moment.event.kind == Kind::kSettle;
  });
  const bool used = one.found.registers != Registers{};
  if (used) {
    out << "but on a counter that was found with the registers "
        << absl::StrJoin(one.found.registers, ",") << " and the log";
    one.found.log.FromOldest([&](const LogEntry& entry) {
      out << " (at " << entry.at << " cost " << entry.cost << " tag " << entry.tag << ")";
      return true;
    });
    out << "\n";
  }
  if (!used && !settles) return out;
  out << "and with settlements, which simulate has not; as they were drawn, in ticks of "
      << one.spec.tick_us << " us:\n";
  for (const Moment& moment : moments) {
    out << "  at " << moment.now_us << " (" << moment.event << "): " << Tell(moment.verdict)
        << "\n";
  }
  return out;
}

}  // namespace sluice
