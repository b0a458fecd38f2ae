#include "backend/backend.h"

#include "absl/strings/cord.h"

namespace sluice {
namespace {

constexpr absl::string_view kNotRunPayload = "sluice/not-run";

}  // namespace

absl::Status NotRun(absl::Status status) {
  status.SetPayload(kNotRunPayload, absl::Cord());
  return status;
}

bool ProvesNotRun(const absl::Status& status) {
  return status.GetPayload(kNotRunPayload).has_value();
}

}  // namespace sluice
