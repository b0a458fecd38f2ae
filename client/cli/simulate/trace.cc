#include "cli/simulate/trace.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/rate.h"
#include "strategy/params.h"

namespace sluice::cli {
namespace {

constexpr absl::string_view kTimeColumn = "t_us";
constexpr absl::string_view kCostColumn = "cost";
constexpr absl::string_view kOpColumn = "op";
constexpr absl::string_view kKeyColumn = "key";

}  // namespace

absl::string_view OpName(Op op) {
  switch (op) {
    case Op::kHit:
      return "hit";
    case Op::kCheck:
      return "check";
    case Op::kStat:
      return "stat";
  }
  return "";
}

TraceReader::TraceReader(std::string name, ByteSource source)
    : name_(std::move(name)), csv_(std::move(source)) {}

absl::Status TraceReader::Where(const absl::Status& status) const {
  if (!absl::IsInvalidArgument(status)) {
    return absl::InvalidArgumentError(absl::StrCat(name_, ": ", status.message()));
  }
  // The cell that is no CSV is the one behind those that were.
  const size_t wrong = csv_.cells().size();
  if (wrong < columns_.size()) return Wrong(columns_[wrong], status.message());
  return absl::InvalidArgumentError(absl::StrCat(name_, ":", csv_.line(), ": ", status.message()));
}

absl::Status TraceReader::Wrong(absl::string_view column, absl::string_view what) const {
  return absl::InvalidArgumentError(
      absl::StrCat(name_, ":", csv_.line(), ": ", column, ": ", what));
}

absl::Status TraceReader::ReadHeader() {
  const absl::StatusOr<bool> there = csv_.Next();
  if (!there.ok()) return Where(there.status());
  if (!*there) {
    return Wrong(kTimeColumn, "there is no header (a trace begins with the names of its columns)");
  }
  for (absl::string_view cell : csv_.cells()) columns_.emplace_back(cell);
  absl::Status checked = CheckColumns();
  if (!checked.ok()) return checked;
  t_us_ = FindColumn(kTimeColumn);
  cost_ = FindColumn(kCostColumn);
  op_ = FindColumn(kOpColumn);
  key_ = FindColumn(kKeyColumn);
  if (t_us_.has_value()) return absl::OkStatus();
  return Wrong(kTimeColumn,
               "there is no such column (the first line names the columns, and this one tells the "
               "time in microseconds)");
}

// A column that is almost one of ours would pass for context, and be ignored without a word.
absl::Status TraceReader::CheckColumns() const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    const std::string& column = columns_[i];
    if (column.empty()) {
      return Wrong(absl::StrCat("column ", i + 1), "it has no name (name every column)");
    }
    const absl::string_view bare = absl::StripAsciiWhitespace(column);
    if (bare != column) {
      return Wrong(absl::StrCat("'", column, "'"),
                   absl::StrCat("blanks around a name belong to it (write '", bare, "')"));
    }
    const std::string lower = absl::AsciiStrToLower(column);
    for (absl::string_view known : {kTimeColumn, kCostColumn, kOpColumn, kKeyColumn}) {
      if (lower == known && column != known) {
        return Wrong(column, absl::StrCat("names are in lower case (write '", known, "')"));
      }
    }
    if (*FindColumn(column) != i) return Wrong(column, "the column is here twice (keep one)");
  }
  return absl::OkStatus();
}

absl::optional<size_t> TraceReader::FindColumn(absl::string_view name) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found == columns_.end()) return absl::nullopt;
  return static_cast<size_t>(found - columns_.begin());
}

absl::StatusOr<bool> TraceReader::Next(TraceRow& row) {
  const absl::StatusOr<bool> there = csv_.Next();
  if (!there.ok()) return Where(there.status());
  if (!*there) return false;
  const size_t cells = csv_.cells().size();
  if (cells < columns_.size()) {
    return Wrong(columns_[cells], absl::StrCat("the row ends before it, with ", cells, " of ",
                                               columns_.size(), " cells (one a column)"));
  }
  if (cells > columns_.size()) {
    return Wrong(columns_.back(), absl::StrCat("the row goes on behind it, with ", cells,
                                               " cells for ", columns_.size(), " columns"));
  }
  row = TraceRow();
  if (absl::Status status = ReadNumber(t_us_, row.t_us); !status.ok()) return status;
  if (cost_.has_value() && !Cell(*cost_).empty()) {
    if (absl::Status status = ReadNumber(cost_, row.cost); !status.ok()) return status;
  }
  if (op_.has_value() && !Cell(*op_).empty()) {
    if (absl::Status status = ReadOp(row.op); !status.ok()) return status;
  }
  if (key_.has_value()) row.key = Cell(*key_);
  return true;
}

absl::Status TraceReader::ReadNumber(absl::optional<size_t> column, int64_t& number) const {
  const absl::optional<int64_t> read = ParseWhole(Cell(*column));
  if (read.has_value() && *read < kMaxAmount) {
    number = *read;
    return absl::OkStatus();
  }
  return Wrong(columns_[*column], absl::StrCat("'", Cell(*column), "' is not a whole number from 0",
                                               " to ", kMaxAmount - 1));
}

absl::Status TraceReader::ReadOp(Op& op) const {
  for (const Op each : {Op::kHit, Op::kCheck, Op::kStat}) {
    if (Cell(*op_) != OpName(each)) continue;
    op = each;
    return absl::OkStatus();
  }
  return Wrong(kOpColumn, absl::StrCat("'", Cell(*op_), "' is not one of hit, check, stat"));
}

}  // namespace sluice::cli
