// Several files that are one configuration.
#ifndef SLUICE_POLICY_JOIN_H_
#define SLUICE_POLICY_JOIN_H_

#include <deque>
#include <vector>

#include "policy/reader.h"
#include "policy/yaml.h"

namespace sluice {

// Joins the roots of the files of a folder: the rows of `backends` and `tenants` and the items of
// `throttles` follow each other; any other key, and any row, stands in one file alone, and what
// stands in a second is refused. The nodes that it makes go to `nodes`, whose elements must stay
// where they are; those of the files outlive them.
const YamlNode& Join(FileReader& reader, const std::vector<const YamlNode*>& roots,
                     std::deque<YamlNode>& nodes);

}  // namespace sluice

#endif  // SLUICE_POLICY_JOIN_H_
