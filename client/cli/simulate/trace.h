// A trace: what was asked when, a row at a time.
#ifndef SLUICE_CLI_SIMULATE_TRACE_H_
#define SLUICE_CLI_SIMULATE_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "cli/simulate/csv.h"

namespace sluice::cli {

enum class Op { kHit, kCheck, kStat };

// "hit", "check", "stat".
absl::string_view OpName(Op op);

struct TraceRow {
  int64_t t_us = 0;  // microseconds since the Unix epoch, 0 to 2^52 - 1
  int64_t cost = 1;  // 0 to 2^52 - 1
  Op op = Op::kHit;
  absl::string_view key;  // a view until the next row is read
};

// CSV with a header: t_us, and optionally cost, op, key and context columns, in any order. An empty
// cell is as if its column were not there. Not thread-safe.
class TraceReader {
 public:
  // `name` is what the trace is called in errors. Every error of the reader ends the reading, and
  // its message says where it is, as `name:line: column: what`.
  TraceReader(std::string name, ByteSource source);

  // Before anything else, once.
  absl::Status ReadHeader();
  // Fills `row`; false when there are no more.
  absl::StatusOr<bool> Next(TraceRow& row);

  // Any column; nullopt for one that is not there.
  absl::optional<size_t> FindColumn(absl::string_view name) const;
  // Of the row that was read last; a view until the next one is.
  absl::string_view Cell(size_t column) const { return csv_.cells()[column]; }

 private:
  absl::Status CheckColumns() const;
  absl::Status Where(const absl::Status& status) const;
  absl::Status Wrong(absl::string_view column, absl::string_view what) const;
  absl::Status ReadNumber(absl::optional<size_t> column, int64_t& number) const;
  absl::Status ReadOp(Op& op) const;

  const std::string name_;
  CsvReader csv_;
  std::vector<std::string> columns_;
  absl::optional<size_t> t_us_;
  absl::optional<size_t> cost_;
  absl::optional<size_t> op_;
  absl::optional<size_t> key_;
};

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_TRACE_H_
