// Columns that line up.
#ifndef SLUICE_CLI_TABLE_H_
#define SLUICE_CLI_TABLE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice::cli {

enum class Color { kNone, kGreen, kRed, kYellow };

// `text` in `color` when `enabled`, else as it is.
std::string Paint(absl::string_view text, Color color, bool enabled);

// Not thread-safe.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;  // empty in every column: no line of titles
    Align align = Align::kLeft;
  };
  struct Cell {
    std::string text;  // any bytes; shown Printable
    Color color = Color::kNone;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell a column.
  void AddRow(std::vector<Cell> cells);

  // The titles and the rows, a line each, behind `indent`.
  std::string ToString(bool color, absl::string_view indent = "") const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace sluice::cli

#endif  // SLUICE_CLI_TABLE_H_
