#include "policy/domain_file.h"

#include <array>
#include <limits>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

using Kind = YamlNode::Kind;

struct Unit {
  absl::string_view name;
  int64_t us;
};

// As envoyproxy/ratelimit counts them.
constexpr std::array<Unit, 7> kUnits = {{{"second", kSecondUs},
                                         {"minute", kMinuteUs},
                                         {"hour", kHourUs},
                                         {"day", kDayUs},
                                         {"week", kWeekUs},
                                         {"month", kMonthUs},
                                         {"year", kYearUs}}};

// Empty and absent are the same here.
std::string TextOrEmpty(FileReader& file, Field field) {
  if (!field || field.node->kind == Kind::kNull) return "";
  return file.Text(field).value_or("");
}

absl::optional<int64_t> ReadUnit(FileReader& file, const MapReader& map, Field field) {
  const std::string text = TextOrEmpty(file, field);
  const std::string lower = absl::AsciiStrToLower(text);
  for (const Unit& unit : kUnits) {
    if (unit.name == lower) return unit.us;
  }
  if (field && (field.node->kind == Kind::kList || field.node->kind == Kind::kMap)) {
    return absl::nullopt;
  }
  file.Refuse(field ? *field.node : map.node(),
              absl::StrCat("invalid rate limit unit '", text, "'"),
              "second, minute, hour, day, week, month or year");
  return absl::nullopt;
}

void ReadRateLimit(FileReader& file, Field field, DescriptorLimit& limit) {
  MapReader map(file, field, "rate_limit");
  limit.name = TextOrEmpty(file, map.Find("name"));
  limit.unlimited = file.Flag(map.Find("unlimited")).value_or(false);
  const Field unit = map.Find("unit");
  const int64_t requests =
      file.Whole(map.Find("requests_per_unit"), 0, std::numeric_limits<uint32_t>::max())
          .value_or(0);
  map.NotYet({"replaces"});
  map.Finish();
  if (limit.unlimited) {
    if (!TextOrEmpty(file, unit).empty()) {
      file.Refuse(*unit.node, "should not specify rate limit unit when unlimited", "leave it out");
    }
    return;
  }
  const absl::optional<int64_t> period_us = ReadUnit(file, map, unit);
  if (!period_us.has_value()) return;
  const absl::StatusOr<Rate> rate = Rate::Create(requests, *period_us);
  absl::StatusOr<Limit> counted = rate.ok() ? Limit::Create("fixed_window", *rate) : rate.status();
  if (counted.ok()) {
    limit.limit = *std::move(counted);
  } else {
    file.Refuse(map.node(), std::string(counted.status().message()));
  }
}

// Where a descriptor goes in the tree.
Domain::Node& Attach(Domain::Node& parent, const std::string& key, const std::string& value) {
  auto node = std::make_unique<Domain::Node>();
  Domain::Node& attached = *node;
  if (value.empty()) {
    parent.by_key[key] = std::move(node);
  } else if (absl::StrContains(value, '*')) {
    parent.wildcards.push_back({key, value, std::move(node)});
  } else {
    parent.exact[Domain::Node::Child(key, value)] = std::move(node);
  }
  return attached;
}

class TreeReader {
 public:
  TreeReader(FileReader& file, absl::string_view domain) : file_(file), domain_(domain) {}

  // `path` is that of `parent`, with a `.` behind it unless it is the root's.
  void Descriptors(Field list, const std::string& path, Domain::Node& parent) {
    absl::flat_hash_set<std::string> composites;
    for (const Field& item : file_.Items(list)) {
      if (item.node->kind == Kind::kMap) {
        Descriptor(item, path, parent, composites);
      } else {
        file_.Refuse(*item.node,
                     absl::StrCat("config error, yaml file contains list of type other than map: ",
                                  FoundText(*item.node)),
                     "each descriptor is a map with a key");
      }
    }
  }

 private:
  void Descriptor(Field item, const std::string& path, Domain::Node& parent,
                  absl::flat_hash_set<std::string>& composites) {
    MapReader map(file_, item, "a descriptor");
    const Field key_field = map.Find("key");
    const Field value_field = map.Find("value");
    const std::string key = TextOrEmpty(file_, key_field);
    const std::string value = TextOrEmpty(file_, value_field);
    const YamlNode& place = key_field ? *key_field.node : *item.node;
    const std::string composite = value.empty() ? key : absl::StrCat(key, "_", value);
    const std::string full = absl::StrCat(path, composite);
    if (key.empty()) {
      file_.Refuse(place, "descriptor has empty key", "for example key: remote_address");
    } else if (!composites.insert(composite).second) {
      // The words and the rule are the original's, which joins the two with `_`.
      file_.Refuse(place,
                   absl::StrCat("duplicate descriptor composite key '", domain_, ".", full, "'"),
                   "one descriptor for each key and value");
    }
    Domain::Node& node = Attach(parent, key, value);
    const Field rate_limit = map.Find("rate_limit");
    const bool shadow = file_.Flag(map.Find("shadow_mode")).value_or(false);
    if (file_.IsMap(rate_limit, "rate_limit") && rate_limit.node->kind == Kind::kMap) {
      node.limit.emplace();
      node.limit->path = full;
      node.limit->shadow = shadow;
      ReadRateLimit(file_, rate_limit, *node.limit);
    }
    Descriptors(map.Find("descriptors"), absl::StrCat(full, "."), node);
    map.NotYet({"quota_mode", "detailed_metric", "value_to_metric", "share_threshold", "metadata",
                "strategy", "rate"});
    map.Finish();
  }

  FileReader& file_;
  const absl::string_view domain_;
};

}  // namespace

bool LooksLikeDomainFile(const YamlNode& root) {
  const YamlNode* domain = root.Find("domain");
  // `domain: {files: ...}` is a slip for `domains`.
  return root.Find("descriptors") != nullptr || (domain != nullptr && domain->kind != Kind::kMap);
}

absl::optional<Domain> ReadDomainFile(FileReader& file, const YamlNode& root) {
  MapReader map(file, {"the file", &root}, "a domain file");
  const Field name_field = map.Find("domain");
  const std::string name = TextOrEmpty(file, name_field);
  if (name.empty()) {
    file.Refuse(name_field ? *name_field.node : root, "config file cannot have empty domain",
                "for example domain: edge");
  }
  Domain domain(name);
  TreeReader(file, name).Descriptors(map.Find("descriptors"), "", domain.root());
  map.Finish();
  if (name.empty()) return absl::nullopt;
  return domain;
}

}  // namespace sluice
