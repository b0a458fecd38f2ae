#include "cli/table.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "cli/text.h"

namespace sluice::cli {

std::string Paint(absl::string_view text, Color color, bool enabled) {
  if (!enabled || color == Color::kNone) return std::string(text);
  const absl::string_view code = color == Color::kGreen ? "32" : color == Color::kRed ? "31" : "33";
  return absl::StrCat("\x1b[", code, "m", text, "\x1b[0m");
}

void Table::AddRow(std::vector<Cell> cells) {
  for (Cell& cell : cells) cell.text = Printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::string Table::ToString(bool color, absl::string_view indent) const {
  std::vector<std::vector<Cell>> lines;
  std::vector<Cell> titles;
  for (const Column& column : columns_) titles.push_back({column.title});
  const bool titled = std::any_of(columns_.begin(), columns_.end(),
                                  [](const Column& column) { return !column.title.empty(); });
  if (titled) lines.push_back(std::move(titles));
  lines.insert(lines.end(), rows_.begin(), rows_.end());

  std::vector<size_t> widths(columns_.size());
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(line[i].text));
    }
  }

  std::string out;
  for (const auto& line : lines) {
    absl::StrAppend(&out, indent);
    for (size_t i = 0; i < line.size(); ++i) {
      const std::string padding(widths[i] - DisplayWidth(line[i].text), ' ');
      const std::string text = Paint(line[i].text, line[i].color, color);
      const bool last = i + 1 == line.size();
      if (columns_[i].align == Align::kRight) {
        absl::StrAppend(&out, padding, text, last ? "\n" : "  ");
      } else {
        absl::StrAppend(&out, text, last ? "\n" : absl::StrCat(padding, "  "));
      }
    }
  }
  return out;
}

}  // namespace sluice::cli
