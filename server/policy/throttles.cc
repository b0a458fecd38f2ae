#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/rate.h"
#include "policy/answer_reader.h"
#include "policy/rule_reader.h"
#include "policy/sections.h"
#include "policy/strategy_params.h"

namespace sluice {
namespace {

constexpr absl::string_view kDefaultStrategy = "fixed_window";
constexpr absl::string_view kRateHint = "for example rate: 100/min, or rate: unlimited";
constexpr absl::string_view kCostHint =
    "for example {by: method, values: {POST: 3}} or {expr: \"ceil(content_length / 1024)\"}";
constexpr absl::string_view kCountDenied = "count_denied";
constexpr size_t kMaxValues = 10'000;
// Each throttle has its own copy: bytes and nodes in all.
constexpr size_t kMostDefaults = size_t{64} << 20;

// A throttle's keys over those of `defaults`.
class Row {
 public:
  Row(FileReader& file, Field own, const YamlNode* defaults, std::string what = "")
      : map_(file, own, "a throttle", std::move(what)), defaults_(defaults) {}

  Field Find(absl::string_view key) {
    const Field own = map_.Find(key);
    if (own || defaults_ == nullptr) return own;
    return {key, defaults_->Find(key)};
  }
  bool IsOwn(absl::string_view key) { return static_cast<bool>(map_.Find(key)); }
  MapReader& map() { return map_; }

 private:
  MapReader map_;
  const YamlNode* defaults_;
};

// A strategy before it has met its rate.
struct StrategySpec {
  std::string name = std::string(kDefaultStrategy);
  Params params;
  const YamlNode* node = nullptr;
  std::vector<const YamlNode*> param_nodes;  // beside `params`
};

bool IsMapNode(Field field) { return field && field.node->kind == YamlNode::Kind::kMap; }

bool Knows(const std::vector<absl::string_view>& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

absl::optional<StrategySpec> ReadStrategy(FileReader& file, Field field) {
  StrategySpec strategy;
  if (!field) return strategy;
  if (!IsMapNode(field)) {
    const absl::optional<std::string> name = file.Text(field);
    if (!name.has_value()) return absl::nullopt;
    strategy.name = *name;
    strategy.node = field.node;
    return strategy;
  }
  MapReader map(file, field, "a strategy");
  const Field type = map.Require("type", "for example {type: token_bucket, burst_size: 40}");
  const absl::optional<std::string> name = file.Text(type);
  if (!name.has_value()) return absl::nullopt;
  strategy.name = *name;
  strategy.node = type.node;
  for (const YamlNode::Entry& entry : field.node->entries) {
    if (entry.key->text == "type") continue;
    const absl::optional<std::string> key = file.Text({"strategy", entry.key});
    if (!key.has_value()) continue;
    absl::optional<ParamValue> value = ReadParam(file, {*key, entry.value});
    if (!value.has_value()) continue;
    strategy.params.emplace_back(*key, *std::move(value));
    strategy.param_nodes.push_back(entry.value);
  }
  return strategy;
}

// A default holds for the strategies that know it; who says it of one that does not is told.
void AddCountDenied(FileReader& file, Row& row, Field field, StrategySpec& strategy) {
  const absl::optional<bool> count = file.Flag(field);
  if (!count.has_value()) return;
  const auto said = std::find_if(strategy.params.begin(), strategy.params.end(),
                                 [](const auto& param) { return param.first == kCountDenied; });
  if (said != strategy.params.end()) {
    if (!row.IsOwn(kCountDenied)) return;
    file.Refuse(*field.node, "'count_denied' is also among the strategy's parameters",
                "say it once");
  } else if (CountsDenied(strategy.name)) {
    strategy.params.emplace_back(kCountDenied, ParamValue(*count ? "true" : "false"));
    strategy.param_nodes.push_back(field.node);
  } else if (row.IsOwn(kCountDenied) && Knows(StrategyNames(), strategy.name)) {
    file.Refuse(*field.node, absl::StrCat("'count_denied' means nothing to ", strategy.name),
                "it is for strategies that count hits in windows, such as fixed_window");
  }
}

// Under some rate or other, so that a strategy's own errors are told even so.
Rate SomeRate() { return *Rate::Create(1, kSecondUs); }

// Refuses what is wrong with a strategy under a rate; nullopt then. What is wrong with the rate is
// told at `rate_node`, and not at all without one.
absl::optional<Limit> MakeLimit(FileReader& file, const Rate& rate, const YamlNode* rate_node,
                                const StrategySpec& strategy) {
  absl::StatusOr<Limit> limit = Limit::Create(strategy.name, rate, strategy.params);
  if (limit.ok()) return *std::move(limit);
  const std::vector<ParamError> errors = ParamErrorsOf(limit.status());
  for (const ParamError& error : errors) {
    // A parameter that is missing has no place of its own.
    const YamlNode* place = strategy.node;
    for (size_t i = 0; i < strategy.params.size(); ++i) {
      if (strategy.params[i].first == error.param) place = strategy.param_nodes[i];
    }
    if (place == nullptr) place = rate_node;
    if (place != nullptr) file.Refuse(*place, error.text);
  }
  if (!errors.empty()) return absl::nullopt;
  const bool known = Knows(StrategyNames(), strategy.name);
  const YamlNode* place = known ? rate_node : strategy.node;
  if (place != nullptr) file.Refuse(*place, std::string(limit.status().message()));
  return absl::nullopt;
}

RatedLimit ReadRate(FileReader& file, Field field, const absl::optional<StrategySpec>& strategy) {
  RatedLimit rated;
  absl::StatusOr<Rate> rate = Rate::Unlimited();
  if (const absl::optional<std::string> text = file.Text(field)) {
    rated.position = file.At(*field.node);
    rate = Rate::Parse(*text);
    if (!rate.ok()) file.Refuse(*field.node, std::string(rate.status().message()));
  }
  const bool limited = rate.ok() && !rate->unlimited();
  if (rate.ok()) rated.rate = *rate;
  if (!strategy.has_value()) return rated;
  absl::optional<Limit> limit =
      MakeLimit(file, limited ? *rate : SomeRate(), limited ? field.node : nullptr, *strategy);
  if (limited) rated.limit = std::move(limit);
  return rated;
}

// `{by: KEY, values: {VALUE: T}, default: T}`; `read` reads a T.
template <class T, class Read>
Conditional<T> ReadConditional(FileReader& file, MapReader& map, absl::string_view hint,
                               bool needs_default, Read read) {
  Conditional<T> conditional;
  conditional.by =
      file.Name(map.Require("by", "the context key that chooses, for example by: tier"))
          .value_or("");
  const Field values = map.Require("values", hint);
  if (file.IsMap(values, "'values'")) {
    if (values.node->entries.size() > kMaxValues) {
      file.Refuse(*values.node, "'values' has too many entries",
                  absl::StrCat("at most ", kMaxValues));
    }
    if (values.node->entries.empty()) {
      file.Refuse(*values.node, "'values' is empty", "give at least one");
    }
    for (const YamlNode::Entry& entry : values.node->entries) {
      if (file.full()) break;
      if (LooksSecret(conditional.by)) file.Conceal(*entry.key);
      absl::optional<std::string> value = file.Name({"value", entry.key});
      if (value.has_value()) {
        conditional.values.emplace(*std::move(value), read(Field{entry.key->text, entry.value}));
      }
    }
  }
  const Field otherwise = needs_default ? map.Require("default", "what holds for all other values")
                                        : map.Find("default");
  if (otherwise) conditional.otherwise = read(otherwise);
  return conditional;
}

Conditional<RatedLimit> ReadRates(FileReader& file, Field field,
                                  const absl::optional<StrategySpec>& strategy) {
  const auto read = [&](Field each) { return ReadRate(file, each, strategy); };
  Conditional<RatedLimit> rates;
  if (!IsMapNode(field)) {
    rates.otherwise = read(field);
    return rates;
  }
  MapReader map(file, field, "a conditional rate");
  rates = ReadConditional<RatedLimit>(file, map, "for example values: {premium: 1000/min}",
                                      /*needs_default=*/true, read);
  map.Finish();
  return rates;
}

Placed<uint64_t> ReadHits(FileReader& file, Field field) {
  return {static_cast<uint64_t>(file.Whole(field, 0, kMaxAmount).value_or(1)),
          file.At(*field.node)};
}

CostPolicy ReadExpression(FileReader& file, Field field) {
  CostPolicy cost;
  MapReader map(file, field, "a cost expression");
  const Field expr = map.Find("expr");
  const Field otherwise = map.Find("default");
  map.Finish();
  if (otherwise) cost.hits.otherwise = ReadHits(file, otherwise);
  const absl::optional<std::string> source = file.Text(expr);
  if (!source.has_value()) return cost;
  cost.position = file.At(*expr.node);
  absl::StatusOr<Expression> expression = Expression::Compile(*source);
  if (expression.ok()) {
    cost.expression = *std::move(expression);
  } else {
    file.Refuse(*expr.node, std::string(expression.status().message()));
  }
  return cost;
}

CostPolicy ReadCost(FileReader& file, Field field) {
  CostPolicy cost;
  if (!field) return cost;
  if (!IsMapNode(field)) {
    cost.hits.otherwise = ReadHits(file, field);
    return cost;
  }
  if (field.node->Find("expr") != nullptr) return ReadExpression(file, field);
  if (field.node->Find("by") == nullptr) {
    file.Refuse(*field.node, "a map as 'cost' has either 'by' or 'expr'", std::string(kCostHint));
    return cost;
  }
  MapReader map(file, field, "a conditional cost");
  cost.hits.otherwise.value = 1;
  Conditional<Placed<uint64_t>> hits = ReadConditional<Placed<uint64_t>>(
      file, map, "for example values: {POST: 3}", /*needs_default=*/false,
      [&](Field each) { return ReadHits(file, each); });
  if (!field.node->Find("default")) hits.otherwise.value = 1;
  cost.hits = std::move(hits);
  map.Finish();
  return cost;
}

absl::optional<IdentifierTemplate> ReadIdentifier(FileReader& file, Field field) {
  const absl::optional<std::string> text = file.Text(field);
  if (!text.has_value()) return absl::nullopt;
  absl::StatusOr<IdentifierTemplate> identifier = IdentifierTemplate::Parse(*text);
  if (identifier.ok()) return *std::move(identifier);
  file.Refuse(*field.node, std::string(identifier.status().message()));
  return absl::nullopt;
}

std::vector<std::string> ReadKeyBy(FileReader& file, Field field) {
  std::vector<std::string> keys;
  for (const Field& item : file.Items(field)) {
    absl::optional<std::string> key = file.Name(item);
    if (!key.has_value()) continue;
    if (std::find(keys.begin(), keys.end(), *key) != keys.end()) {
      file.Refuse(*item.node, absl::StrCat("'", *key, "' splits the bucket twice"),
                  "name each key once");
    }
    keys.push_back(*std::move(key));
  }
  return keys;
}

// Where the counters are, and what holds when they cannot be reached.
void ReadPlaces(FileReader& file, Row& row, const std::vector<BackendSpec>& backends,
                Throttle& throttle) {
  const Field backend = row.Find("backend");
  throttle.backend = ReadBackendName(file, backend, backends);
  if (backend) throttle.backend_position = file.At(*backend.node);
  const Field on_error = row.Find("on_error");
  throttle.on_error = ReadOnError(file, on_error, backends);
  if (throttle.backend.has_value() && throttle.on_error.fallback == throttle.backend) {
    file.Refuse(*on_error.node, "the fallback is the throttle's own backend", "name another one");
  }
}

// All but the uid, so that `defaults` can be read alone: every key that it may have is asked for.
void ReadKeys(FileReader& file, Row& row, const std::vector<BackendSpec>& backends,
              Throttle& throttle) {
  absl::optional<StrategySpec> strategy = ReadStrategy(file, row.Find("strategy"));
  const Field count_denied = row.Find(kCountDenied);
  if (strategy.has_value()) {
    AddCountDenied(file, row, count_denied, *strategy);
    throttle.strategy = strategy->name;
    throttle.params = strategy->params;
  }
  throttle.rate = ReadRates(file, row.Find("rate"), strategy);
  throttle.cost = ReadCost(file, row.Find("cost"));
  const Field identifier = row.Find("identifier");
  throttle.identifier = ReadIdentifier(file, identifier).value_or(IdentifierTemplate());
  if (identifier) throttle.identifier_position = file.At(*identifier.node);
  if (const Field key_by = row.Find("key_by")) throttle.key_by = ReadKeyBy(file, key_by);
  throttle.exempt = ReadExemptions(file, row.Find("exempt"));
  throttle.rules = ReadRules(file, row.Find("rules"));
  ReadPlaces(file, row, backends, throttle);
  throttle.context = ReadContext(file, row.Find("context")).value_or(Context());
  throttle.min_wait_us = file.Duration(row.Find("min_wait")).value_or(0);
  throttle.headers = ReadHeaders(file, row.Find("headers"));
  throttle.response = ReadResponse(file, row.Find("response"));
  throttle.shadow = file.Flag(row.Find("shadow")).value_or(false);
  throttle.gateway = file.Flag(row.Find("gateway")).value_or(true);
  throttle.enabled = file.Flag(row.Find("enabled")).value_or(true);
}

Throttle ReadThrottle(FileReader& file, Field item, const YamlNode* defaults,
                      const std::vector<BackendSpec>& backends) {
  Row row(file, item, defaults);
  Throttle throttle;
  throttle.position = file.At(*item.node);
  const Field uid = row.map().Require("uid", "for example uid: api:burst");
  throttle.uid = file.Name(uid).value_or("");
  for (const absl::string_view reserved : {"domain:", "override:", "fallback:"}) {
    if (!absl::StartsWith(throttle.uid, reserved)) continue;
    // Their counters would meet those of Envoy's domains, or of fallbacks.
    file.Refuse(*uid.node, absl::StrCat("the uid '", throttle.uid, "' is reserved"),
                "a uid does not start with domain:, override: or fallback:");
  }
  ReadKeys(file, row, backends, throttle);
  if (!row.Find("rate")) row.map().Require("rate", kRateHint);
  row.map().Finish();
  return throttle;
}

// Refuses what is wrong in `defaults`, whether or not a throttle takes it from there. Returns the
// node that throttles look into.
const YamlNode* CheckDefaults(FileReader& file, Field section,
                              const std::vector<BackendSpec>& backends) {
  if (!file.IsMap(section, "'defaults'")) return nullptr;
  Row row(file, section, nullptr, "defaults");
  Throttle nobody;
  ReadKeys(file, row, backends, nobody);
  if (const Field uid = row.Find("uid")) {
    file.Refuse(*uid.node, "'uid' cannot be a default", "each throttle has its own");
  }
  row.map().Finish();
  return section.node;
}

}  // namespace

std::vector<Throttle> ReadThrottles(FileReader& file, Field section, Field defaults_section,
                                    const std::vector<BackendSpec>& backends) {
  const YamlNode* defaults = CheckDefaults(file, defaults_section, backends);
  const std::vector<Field> items = file.Items(section);
  if (defaults != nullptr && (defaults->bytes + defaults->size) * items.size() > kMostDefaults) {
    file.Refuse(*defaults,
                absl::StrCat("'defaults' are too large for ", items.size(), " throttles"),
                "say what is long where it is needed");
    return {};
  }
  std::vector<Throttle> throttles;
  absl::flat_hash_map<std::string, Position> place_of;
  for (const Field& item : items) {
    Throttle throttle = ReadThrottle(file, item, defaults, backends);
    const auto [first, fresh] = place_of.try_emplace(throttle.uid, throttle.position);
    if (!fresh && !throttle.uid.empty()) {
      const YamlNode& uid = *item.node->Find("uid");
      file.Refuse(uid,
                  absl::StrCat("the uid '", throttle.uid, "' is taken ",
                               file.Elsewhere(first->second, uid)),
                  "each throttle has its own");
    }
    throttles.push_back(std::move(throttle));
  }
  return throttles;
}

}  // namespace sluice
