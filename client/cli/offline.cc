#include "cli/offline.h"

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "cli/text.h"
#include "core/clock.h"
#include "core/key.h"
#include "google/protobuf/map.h"
#include "limiter/explanation.h"
#include "limiter/limiter.h"
#include "limiter/observer.h"
#include "policy/loader.h"

namespace sluice::cli {
namespace {

// Nothing is decided, so nothing is counted.
class DeafObserver final : public Observer {
 public:
  void OnThrottles(const ThrottleCall&) override {}
  void OnDescriptors(const DescriptorCall&) override {}
  void OnExpressionFailed(const Throttle&, const absl::Status&, int64_t) override {}
  void OnOrphans(absl::string_view, size_t) override {}
};

void AddPairs(const google::protobuf::Map<std::string, std::string>& from,
              absl::InlinedVector<ThrottleRequest::Pair, 8>& to) {
  for (const auto& [key, value] : from) to.emplace_back(key, value);
}

// HitRequest and ShouldLimitRequest share these fields.
template <class Request>
void ReadQuestion(const Request& from, ThrottleRequest& to) {
  to.identifier = from.identifier();
  to.tenant = from.tenant();
  if (from.has_cost()) to.cost = from.cost();
  for (const auto& [uid, cost] : from.costs()) to.costs.emplace_back(uid, cost);
  AddPairs(from.context(), to.context);
}

// Views into `from`.
ThrottleRequest Read(const v1::ExplainRequest& from) {
  ThrottleRequest to;
  // Whoever has the file may ask on behalf of any caller.
  to.any_tenant = true;
  if (from.has_hit()) {
    for (const std::string& uid : from.hit().throttles()) to.throttles.push_back(uid);
    ReadQuestion(from.hit(), to);
    return to;
  }
  const v1::ShouldLimitRequest& gateway = from.should_limit();
  to.gateway = true;
  // In front of the context, which those that are set override.
  const auto add = [&](absl::string_view key, absl::string_view value) {
    if (!value.empty()) to.context.emplace_back(key, value);
  };
  add("method", gateway.method());
  add("path", gateway.path());
  add("remote_address", gateway.remote_address());
  ReadQuestion(gateway, to);
  AddPairs(gateway.headers(), to.headers);
  return to;
}

std::string PlaceOf(const Position& position) {
  return position.line == 0 ? "" : absl::StrCat(position.file, ":", position.line);
}

// Left out where nothing decided.
template <class Mutable>
void Fill(const Reason& reason, Mutable source) {
  if (reason.text.empty() && reason.position.line == 0) return;
  v1::Source& out = *source();
  out.set_text(reason.text);
  out.set_position(PlaceOf(reason.position));
}

void Fill(const Explanation& row, v1::ExplainRow& out) {
  out.set_throttle(row.throttle);
  out.set_position(PlaceOf(row.position));
  out.set_applies(row.applies);
  out.set_reason(row.why_not);
  out.set_shadow(row.shadow);
  Fill(row.rule, [&] { return out.mutable_rule(); });
  Fill(row.exemption, [&] { return out.mutable_exemption(); });
  out.set_cost(row.cost);
  Fill(row.cost_source, [&] { return out.mutable_cost_source(); });
  out.set_identifier(row.identifier);
  Fill(row.identifier_source, [&] { return out.mutable_identifier_source(); });
  out.set_rate(row.rate);
  Fill(row.rate_source, [&] { return out.mutable_rate_source(); });
  out.set_tenant(row.tenant);
  Fill(row.tenant_source, [&] { return out.mutable_tenant_source(); });
  out.set_key(row.key);
  out.set_backend(row.backend);
  Fill(row.backend_source, [&] { return out.mutable_backend_source(); });
}

}  // namespace

std::shared_ptr<const PolicySet> LoadConfig(const std::string& config, std::ostream& err) {
  PolicyResult result = LoadPolicyFile(config, /*generation=*/1);
  if (result.policy != nullptr) return std::move(result.policy);
  err << "sluicectl: --config: " << Printable(config) << " does not load:\n";
  for (const PolicyError& error : result.errors) err << error.ToString() << "\n";
  return nullptr;
}

absl::Status Answer(const std::shared_ptr<const PolicySet>& policy,
                    const v1::ExplainRequest& request, v1::ExplainResponse* response) {
  DeafObserver observer;
  // Keys are shown as they are; the hash that the secret goes into is not.
  const std::unique_ptr<Clock> clock = NewSystemClock();
  Limiter limiter(HashSecret::FromSeed(0), observer, *clock);
  limiter.Publish(policy, /*backends=*/{});
  std::vector<Explanation> rows;
  // Only overrides end, and there are none.
  const absl::StatusOr<uint64_t> generation = limiter.Explain(Read(request), /*now_us=*/0, rows);
  if (!generation.ok()) return generation.status();
  for (const Explanation& row : rows) Fill(row, *response->add_rows());
  response->set_config_generation(*generation);
  return absl::OkStatus();
}

absl::Status Answer(const std::shared_ptr<const PolicySet>& policy, const v1::GetPolicyRequest&,
                    v1::GetPolicyResponse* response) {
  response->set_yaml(policy->yaml);
  response->set_generation(policy->generation);
  response->set_content_hash(policy->content_hash);
  return absl::OkStatus();
}

}  // namespace sluice::cli
