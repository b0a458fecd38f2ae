#include "cli/validate.h"

#include <cstdint>

#include "cli/render.h"
#include "policy/loader.h"
#include "sluice/v1/admin.pb.h"

namespace sluice::cli {
namespace {

void Fill(const PolicyError& error, v1::PolicyError& added) {
  added.set_file(error.position.file);
  added.set_line(static_cast<uint32_t>(error.position.line));
  added.set_column(static_cast<uint32_t>(error.position.column));
  added.set_message(error.what);
  added.set_hint(error.hint);
}

}  // namespace

int Validate(const Validation& validation, Output output, std::ostream& out) {
  v1::ValidatePolicyResponse report;
  for (const std::string& file : validation.files) {
    const PolicyResult result = LoadPolicyFile(file, /*generation=*/1);
    for (const PolicyError& error : result.errors) {
      Fill(error, *report.add_errors());
      if (output == Output::kTable) out << error.ToString() << "\n";
    }
    for (const PolicyError& warning : result.warnings) {
      Fill(warning, *report.add_warnings());
      if (output == Output::kTable) out << warning.ToString() << "\n";
    }
    if (result.errors.empty() && output == Output::kTable) {
      out << file << ": ok, " << result.policy->throttles.size() << " throttles, "
          << result.policy->domains.size() << " domains\n";
    }
  }
  if (output == Output::kJson) out << RenderJson(report);
  return report.errors().empty() ? kExitFine : kExitDenied;
}

}  // namespace sluice::cli
