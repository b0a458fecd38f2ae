// Every key that a configuration may have: what the readers are held to, and what CONFIGURATION.md
// and the schema for editors are written from. Domain files are in envoyproxy/ratelimit's own
// grammar, and not here.
#ifndef SLUICE_POLICY_KEYS_H_
#define SLUICE_POLICY_KEYS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

// One key of a section. All of it is for people; `type` has a grammar besides:
//
//   type  = value *( " or " value )
//   value = "list of " value / "map of " value / "{" SECTION *( "|" SECTION ) "}"
//         / "some of {" SECTION "}" / "one of " WORD *( ", " WORD )
//         / "whole from " NUMBER " to " NUMBER / "number from " NUMBER " to " NUMBER
//         / "text" / "name" / "flag" / "duration" / "rate" / "share" / "strategy"
//
// A `name` is 1 to 256 bytes without control characters, a `share` a number from 0 to 1, and
// `strategy` the name of one. The keys of a map are the configuration's own.
struct ConfigKey {
  static constexpr absl::string_view kRequired = "required";

  absl::string_view key;
  absl::string_view type;
  absl::string_view standard;  // what holds without the key; kRequired
  absl::string_view example;   // a value in YAML
  absl::string_view doc;       // in Markdown, without a full stop

  bool required() const { return standard == kRequired; }
};

struct ConfigSection {
  absl::string_view name;   // as errors call it: "a throttle"
  absl::string_view place;  // where it stands: "throttles"
  absl::Span<const ConfigKey> keys;
  bool open = false;  // other keys are allowed: they are parameters

  // nullptr for a key that it does not have.
  const ConfigKey* Find(absl::string_view key) const;
};

// In the order in which people read them; the whole configuration comes first.
absl::Span<const ConfigSection> ConfigSections();

// The section of that name, which there is: anything else is a bug, and ends the process.
const ConfigSection& ConfigSectionOf(absl::string_view name);

}  // namespace sluice

#endif  // SLUICE_POLICY_KEYS_H_
