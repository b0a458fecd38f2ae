#include "cli/explain_text.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "cli/table.h"
#include "cli/text.h"

namespace sluice::cli {
namespace {

constexpr absl::string_view kDefault = "default";
constexpr absl::string_view kIndent = "  ";
constexpr size_t kGap = 2;
// A line that is longer keeps its place to itself, and does not move everybody's.
constexpr size_t kWidest = 76;

struct Fact {
  absl::string_view name;
  std::string value;
  std::string said_by;
  std::string place;
};

struct Block {
  std::string uid;
  std::string verdict;
  Color color;
  std::string place;
  std::vector<Fact> facts;
};

std::string HeadlineOf(const Block& block, bool color) {
  return absl::StrCat(block.uid, kIndent, Paint(block.verdict, block.color, color));
}

Fact MakeFact(absl::string_view name, absl::string_view value, absl::string_view said_by,
              absl::string_view place) {
  return {name, Printable(value.empty() ? kAbsent : value), Printable(said_by), Printable(place)};
}

// Of what has a default, which nobody needs to be told in full.
Fact MakeFact(absl::string_view name, absl::string_view value, const v1::Source& source) {
  return source.position().empty() ? MakeFact(name, value, kDefault, "")
                                   : MakeFact(name, value, source.text(), source.position());
}

std::vector<Fact> FactsOf(const v1::ExplainRow& row) {
  std::vector<Fact> facts;
  if (row.has_rule()) {
    facts.push_back(MakeFact("rule", row.rule().text(), "", row.rule().position()));
  }
  if (row.has_exemption()) {
    facts.push_back(MakeFact("exemption", row.exemption().text(), "", row.exemption().position()));
  }
  if (row.has_cost_source()) {
    const v1::Source& source = row.cost_source();
    facts.push_back(MakeFact("cost", absl::StrCat(row.cost()), source.text(), source.position()));
  }
  // Only what has a counter, or would have one, got as far as the identifier.
  const bool counts = !row.key().empty();
  if (counts) {
    facts.push_back(MakeFact("identifier", row.identifier(), row.identifier_source()));
    const v1::Source& source = row.rate_source();
    facts.push_back(MakeFact("rate", row.rate(), source.text(), source.position()));
  }
  if (!row.tenant().empty()) {
    const v1::Source& source = row.tenant_source();
    facts.push_back(MakeFact("tenant", row.tenant(), source.text(), source.position()));
  } else if (counts) {
    facts.push_back(MakeFact("tenant", kDefault, "", ""));
  }
  if (counts) {
    facts.push_back(MakeFact("backend", row.backend(), row.backend_source()));
    facts.push_back(MakeFact("key", row.key(), "", ""));
  }
  return facts;
}

Block BlockOf(const v1::ExplainRow& row) {
  return {absl::StrCat(Printable(row.throttle()), row.shadow() ? " (in shadow)" : ""),
          row.applies() ? "applies" : absl::StrCat("does not apply: ", Printable(row.reason())),
          row.applies() ? Color::kGreen : Color::kYellow, Printable(row.position()), FactsOf(row)};
}

// Where the columns begin.
struct Columns {
  size_t value = 0;
  size_t said_by = 0;
  size_t place = 0;
};

void Widen(size_t end, size_t& column) {
  if (end <= kWidest) column = std::max(column, end + kGap);
}

size_t WidthOf(const Fact& fact, const Columns& columns) {
  return fact.said_by.empty() ? columns.value + DisplayWidth(fact.value)
                              : columns.said_by + DisplayWidth(fact.said_by);
}

Columns Measure(const std::vector<Block>& blocks) {
  Columns columns;
  for (const Block& block : blocks) {
    for (const Fact& fact : block.facts) Widen(kIndent.size() + fact.name.size(), columns.value);
  }
  for (const Block& block : blocks) {
    for (const Fact& fact : block.facts) {
      if (fact.said_by.empty()) continue;
      Widen(columns.value + DisplayWidth(fact.value), columns.said_by);
    }
  }
  for (const Block& block : blocks) {
    Widen(DisplayWidth(HeadlineOf(block, false)), columns.place);
    for (const Fact& fact : block.facts) {
      if (!fact.place.empty()) Widen(WidthOf(fact, columns), columns.place);
    }
  }
  return columns;
}

// Appends `text` at that column, or behind the gap where the line is longer already.
void Append(absl::string_view text, size_t column, size_t width, std::string& line) {
  if (text.empty()) return;
  absl::StrAppend(&line, std::string(width + kGap > column ? kGap : column - width, ' '), text);
}

}  // namespace

std::string ExplainText(const v1::ExplainResponse& response, bool color) {
  if (response.rows().empty()) return "the configuration has no throttles\n";
  std::vector<Block> blocks;
  for (const v1::ExplainRow& row : response.rows()) blocks.push_back(BlockOf(row));
  const Columns columns = Measure(blocks);
  std::string out;
  for (const Block& block : blocks) {
    std::string headline = HeadlineOf(block, color);
    Append(block.place, columns.place, DisplayWidth(HeadlineOf(block, false)), headline);
    absl::StrAppend(&out, headline, "\n");
    for (const Fact& fact : block.facts) {
      std::string line = absl::StrCat(kIndent, fact.name);
      Append(fact.value, columns.value, DisplayWidth(line), line);
      Append(fact.said_by, columns.said_by, DisplayWidth(line), line);
      Append(fact.place, columns.place, DisplayWidth(line), line);
      absl::StrAppend(&out, line, "\n");
    }
  }
  return out;
}

}  // namespace sluice::cli
