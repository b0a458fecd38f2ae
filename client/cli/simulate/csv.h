// Comma-separated values as RFC 4180 has them, a record at a time.
#ifndef SLUICE_CLI_SIMULATE_CSV_H_
#define SLUICE_CLI_SIMULATE_CSV_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice::cli {

// Puts at most `room` bytes at `to` and tells how many; 0 at the end. An error is not
// INVALID_ARGUMENT.
using ByteSource = std::function<absl::StatusOr<size_t>(char* to, size_t room)>;

// Reads from a file descriptor, which stays the caller's.
ByteSource ReadFrom(int descriptor);

// Lines end in LF or CRLF, empty ones are skipped, and a byte order mark at the front is ignored.
// Memory does not grow with the input. Not thread-safe.
class CsvReader {
 public:
  static constexpr size_t kMaxRecordBytes = size_t{1} << 20;

  explicit CsvReader(ByteSource source);

  // Goes to the next record; false when there is none. INVALID_ARGUMENT is about the text at
  // line(), any other error about reading it; after one there is no next.
  absl::StatusOr<bool> Next();

  // Of this record, without quotes; at least one, or after an error those before the wrong one.
  // Views until the next call of Next().
  const std::vector<absl::string_view>& cells() const { return cells_; }
  // The line on which this record begins, from 1.
  int64_t line() const { return line_; }

 private:
  // Bytes of the record at begin_, its line end included; 0 at the end of the input.
  absl::StatusOr<size_t> FindRecord();
  absl::Status Fill();
  absl::Status Split(char* record, size_t size);
  absl::Status SplitQuoted(char* record, size_t size);

  const ByteSource source_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // what was not yet taken lies in [begin_, end_) of the buffer
  size_t end_ = 0;
  bool exhausted_ = false;
  int64_t line_ = 0;
  int64_t next_line_ = 1;
  std::vector<absl::string_view> cells_;
};

// Writes records through a buffer of its own, quoting what needs it. Not thread-safe.
class CsvWriter {
 public:
  // `out` outlives the writer. What was not flushed is lost.
  explicit CsvWriter(std::ostream& out) : out_(out) {}

  CsvWriter& Text(absl::string_view cell);
  CsvWriter& Number(int64_t cell);
  // Ends the record; passes on what has gathered when it is much.
  void EndRecord();
  // Passes on everything. `out` tells whether that worked.
  void Flush();

 private:
  void Separate();

  std::ostream& out_;
  std::string buffer_;
  bool in_record_ = false;
};

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_CSV_H_
