#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/rate.h"
#include "policy/sections.h"
#include "policy/strategy_params.h"

namespace sluice {
namespace {

constexpr absl::string_view kDefaultStrategy = "fixed_window";
constexpr absl::string_view kRateHint = "for example rate: 100/min, or rate: unlimited";

// A rate or a strategy with the place that its errors point to.
struct PlacedRate {
  Rate rate = Rate::Unlimited();
  const YamlNode* node = nullptr;
};

struct PlacedStrategy {
  std::string name = std::string(kDefaultStrategy);
  Params params;
  const YamlNode* node = nullptr;
  std::vector<const YamlNode*> param_nodes;  // beside `params`
};

// What a throttle and `defaults` can both say. Absent: not said, or said wrongly.
struct Fields {
  Field rate_field;
  absl::optional<PlacedRate> rate;
  absl::optional<PlacedStrategy> strategy;
  absl::optional<int64_t> cost;
  absl::optional<IdentifierTemplate> identifier;
  absl::optional<std::vector<std::string>> key_by;
  absl::optional<Context> context;
  absl::optional<HeaderPolicy> headers;
  absl::optional<bool> shadow;
  absl::optional<bool> enabled;
};

// A value that depends on the request, instead of one word.
bool IsConditional(FileReader& file, Field field) {
  if (!field || field.node->kind != YamlNode::Kind::kMap) return false;
  file.Refuse(*field.node, absl::StrCat("a conditional '", field.name, "' is not supported yet"),
              "give one value");
  return true;
}

absl::optional<PlacedRate> ReadRate(FileReader& file, Field field) {
  if (IsConditional(file, field)) return absl::nullopt;
  const absl::optional<std::string> text = file.Text(field);
  if (!text.has_value()) return absl::nullopt;
  const absl::StatusOr<Rate> rate = Rate::Parse(*text);
  if (rate.ok()) return PlacedRate{*rate, field.node};
  file.Refuse(*field.node, std::string(rate.status().message()));
  return absl::nullopt;
}

absl::optional<int64_t> ReadCost(FileReader& file, Field field) {
  if (IsConditional(file, field)) return absl::nullopt;
  return file.Whole(field, 0, kMaxAmount);
}

absl::optional<PlacedStrategy> ReadStrategy(FileReader& file, Field field) {
  if (!field) return absl::nullopt;
  PlacedStrategy strategy;
  if (field.node->kind != YamlNode::Kind::kMap) {
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

absl::optional<IdentifierTemplate> ReadIdentifier(FileReader& file, Field field) {
  const absl::optional<std::string> text = file.Text(field);
  if (!text.has_value()) return absl::nullopt;
  absl::StatusOr<IdentifierTemplate> identifier = IdentifierTemplate::Parse(*text);
  if (identifier.ok()) return *std::move(identifier);
  file.Refuse(*field.node, std::string(identifier.status().message()));
  return absl::nullopt;
}

absl::optional<std::vector<std::string>> ReadKeyBy(FileReader& file, Field field) {
  if (!field) return absl::nullopt;
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

absl::optional<HeaderPolicy> ReadHeaders(FileReader& file, Field field) {
  using When = HeaderPolicy::When;
  using Format = HeaderPolicy::Format;
  if (!field) return absl::nullopt;
  const auto read_when = [&file](Field when) {
    return file
        .Choice<When>(when,
                      {{"never", When::kOff}, {"denied", When::kDenied}, {"always", When::kAlways}})
        .value_or(When::kAlways);
  };
  HeaderPolicy headers;
  if (field.node->kind != YamlNode::Kind::kMap) {
    headers.when = read_when(field);
    return headers;
  }
  MapReader map(file, field, "headers");
  headers.when = read_when(map.Find("when"));
  headers.format = file.Choice<Format>(map.Find("format"), {{"classic", Format::kClassic},
                                                            {"ietf", Format::kIetf},
                                                            {"both", Format::kBoth}})
                       .value_or(headers.format);
  map.NotYet({"below", "names", "extra", "reset_ms"});
  map.Finish();
  return headers;
}

Fields ReadFields(FileReader& file, MapReader& map) {
  Fields fields;
  fields.rate_field = map.Find("rate");
  fields.rate = ReadRate(file, fields.rate_field);
  fields.strategy = ReadStrategy(file, map.Find("strategy"));
  fields.cost = ReadCost(file, map.Find("cost"));
  fields.identifier = ReadIdentifier(file, map.Find("identifier"));
  fields.key_by = ReadKeyBy(file, map.Find("key_by"));
  fields.context = ReadContext(file, map.Find("context"));
  fields.headers = ReadHeaders(file, map.Find("headers"));
  fields.shadow = file.Flag(map.Find("shadow"));
  fields.enabled = file.Flag(map.Find("enabled"));
  map.NotYet({"rules", "exempt", "backend", "on_error", "min_wait", "response", "count_denied",
              "gateway"});
  return fields;
}

// A throttle's own value, else that of `defaults`, else the type's.
template <class T>
T Choose(const absl::optional<T>& own, const absl::optional<T>& standard, T otherwise) {
  return own.has_value() ? *own : standard.value_or(std::move(otherwise));
}

// Refuses what is wrong with a strategy under a rate; nullopt for that, and when unlimited.
absl::optional<Limit> MakeLimit(FileReader& file, const absl::optional<PlacedRate>& rate,
                                const PlacedStrategy& strategy) {
  // Under some rate or other, so that a strategy's own errors are told even so.
  const bool limited = rate.has_value() && !rate->rate.unlimited();
  const absl::StatusOr<Rate> some = Rate::Create(1, 1'000'000);
  absl::StatusOr<Limit> limit =
      Limit::Create(strategy.name, limited ? rate->rate : *some, strategy.params);
  if (limit.ok()) return limited ? absl::make_optional(*std::move(limit)) : absl::nullopt;
  const std::vector<ParamError> errors = ParamErrorsOf(limit.status());
  for (const ParamError& error : errors) {
    for (size_t i = 0; i < strategy.params.size(); ++i) {
      if (strategy.params[i].first != error.param) continue;
      file.Refuse(*strategy.param_nodes[i], error.text);
    }
  }
  if (!errors.empty()) return absl::nullopt;
  const std::string what(limit.status().message());
  const auto& names = StrategyNames();
  const bool known = std::find(names.begin(), names.end(), strategy.name) != names.end();
  if (!known) {
    file.Refuse(*strategy.node, what);
  } else if (limited) {
    file.Refuse(*rate->node, what);
  }
  return absl::nullopt;
}

Throttle ReadThrottle(FileReader& file, Field item, const Fields& defaults) {
  MapReader map(file, item, "a throttle");
  Throttle throttle;
  throttle.position = file.At(*item.node);
  throttle.uid = file.Name(map.Require("uid", "for example uid: api:burst")).value_or("");
  const Fields own = ReadFields(file, map);
  if (!own.rate_field && !defaults.rate_field) map.Require("rate", kRateHint);
  map.Finish();

  const absl::optional<PlacedRate> rate = own.rate_field ? own.rate : defaults.rate;
  if (rate.has_value()) throttle.rate = rate->rate;
  throttle.limit = MakeLimit(file, rate, Choose(own.strategy, defaults.strategy, PlacedStrategy()));
  throttle.cost = static_cast<uint64_t>(Choose<int64_t>(own.cost, defaults.cost, 1));
  throttle.identifier = Choose(own.identifier, defaults.identifier, IdentifierTemplate());
  throttle.key_by = Choose(own.key_by, defaults.key_by, std::move(throttle.key_by));
  throttle.context = Choose(own.context, defaults.context, Context());
  throttle.headers = Choose(own.headers, defaults.headers, HeaderPolicy());
  throttle.shadow = Choose(own.shadow, defaults.shadow, false);
  throttle.enabled = Choose(own.enabled, defaults.enabled, true);
  return throttle;
}

Fields ReadDefaults(FileReader& file, Field section) {
  MapReader map(file, section, "defaults");
  Fields defaults = ReadFields(file, map);
  if (const Field uid = map.Find("uid"); uid) {
    file.Refuse(*uid.node, "'uid' cannot be a default", "each throttle has its own");
  }
  map.Finish();
  if (defaults.strategy.has_value()) MakeLimit(file, defaults.rate, *defaults.strategy);
  return defaults;
}

}  // namespace

std::vector<Throttle> ReadThrottles(FileReader& file, Field section, Field defaults_section) {
  const Fields defaults = ReadDefaults(file, defaults_section);
  std::vector<Throttle> throttles;
  absl::flat_hash_map<std::string, int> line_of;
  for (const Field& item : file.Items(section)) {
    Throttle throttle = ReadThrottle(file, item, defaults);
    const auto [first, fresh] = line_of.try_emplace(throttle.uid, throttle.position.line);
    if (!fresh && !throttle.uid.empty()) {
      file.Refuse(*item.node->Find("uid"),
                  absl::StrCat("the uid '", throttle.uid, "' is taken on line ", first->second),
                  "each throttle has its own");
    }
    throttles.push_back(std::move(throttle));
  }
  return throttles;
}

}  // namespace sluice
