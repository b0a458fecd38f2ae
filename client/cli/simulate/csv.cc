#include "cli/simulate/csv.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sluice::cli {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr size_t kWriteBytes = size_t{64} << 10;
constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

absl::Status TooLong() {
  return absl::InvalidArgumentError(absl::StrCat(
      "the row is longer than ", CsvReader::kMaxRecordBytes, " bytes (is a quote left open?)"));
}

}  // namespace

ByteSource ReadFrom(int descriptor) {
  return [descriptor](char* to, size_t room) -> absl::StatusOr<size_t> {
    for (;;) {
      const ssize_t got = read(descriptor, to, room);
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EINTR) return absl::UnavailableError(std::strerror(errno));
    }
  };
}

CsvReader::CsvReader(ByteSource source) : source_(std::move(source)), buffer_(kReadBytes) {}

absl::StatusOr<bool> CsvReader::Next() {
  for (;;) {
    const bool first = line_ == 0;
    line_ = next_line_;
    cells_.clear();
    const absl::StatusOr<size_t> found = FindRecord();
    if (!found.ok()) return found.status();
    if (*found == 0) return false;
    char* record = buffer_.data() + begin_;
    size_t size = *found;
    begin_ += *found;
    if (record[size - 1] == '\n') --size;
    if (size > 0 && record[size - 1] == '\r') --size;
    if (first && absl::StartsWith(absl::string_view(record, size), kByteOrderMark)) {
      record += kByteOrderMark.size();
      size -= kByteOrderMark.size();
    }
    if (size == 0) continue;
    absl::Status split = Split(record, size);
    if (!split.ok()) return split;
    return true;
  }
}

absl::StatusOr<size_t> CsvReader::FindRecord() {
  size_t scanned = 0;
  bool open = false;  // whether `scanned` lies within quotes
  for (;;) {
    const char* base = buffer_.data() + begin_;
    const size_t there = end_ - begin_;
    while (const void* newline = std::memchr(base + scanned, '\n', there - scanned)) {
      const char* after = static_cast<const char*>(newline) + 1;
      // A doubled quote counts twice, so it changes nothing.
      if (std::count(base + scanned, after, '"') % 2 != 0) open = !open;
      scanned = static_cast<size_t>(after - base);
      ++next_line_;
      if (!open) return scanned;
      if (scanned > kMaxRecordBytes) return TooLong();
    }
    if (exhausted_) return there;
    if (there > kMaxRecordBytes) return TooLong();
    absl::Status filled = Fill();
    if (!filled.ok()) return filled;
  }
}

absl::Status CsvReader::Fill() {
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  const absl::StatusOr<size_t> got = source_(buffer_.data() + end_, buffer_.size() - end_);
  if (!got.ok()) return got.status();
  exhausted_ = *got == 0;
  end_ += *got;
  return absl::OkStatus();
}

absl::Status CsvReader::Split(char* record, size_t size) {
  if (std::memchr(record, '"', size) != nullptr) return SplitQuoted(record, size);
  absl::string_view rest(record, size);
  for (size_t comma = rest.find(','); comma != absl::string_view::npos; comma = rest.find(',')) {
    cells_.push_back(rest.substr(0, comma));
    rest.remove_prefix(comma + 1);
  }
  cells_.push_back(rest);
  return absl::OkStatus();
}

// Quotes are taken out in place: a cell only becomes shorter.
absl::Status CsvReader::SplitQuoted(char* record, size_t size) {
  char* in = record;
  char* const end = record + size;
  for (;;) {
    char* const start = in;
    char* out = in;
    if (in != end && *in == '"') {
      ++in;
      for (; in != end && (*in != '"' || (in + 1 != end && in[1] == '"')); ++in) {
        if (*in == '"') ++in;
        *out++ = *in;
      }
      if (in == end) {
        return absl::InvalidArgumentError("a quote is left open (close it with \")");
      }
      ++in;
      if (in != end && *in != ',') {
        return absl::InvalidArgumentError(
            "a quoted cell goes on behind its closing quote (write a quote inside as \"\")");
      }
    } else {
      for (; in != end && *in != ','; ++in) {
        if (*in == '"') {
          return absl::InvalidArgumentError(
              "a quote stands inside a cell without quotes (put the whole cell in quotes)");
        }
      }
      out = in;
    }
    cells_.emplace_back(start, static_cast<size_t>(out - start));
    if (in == end) return absl::OkStatus();
    ++in;
  }
}

void CsvWriter::Separate() {
  if (in_record_) buffer_ += ',';
  in_record_ = true;
}

CsvWriter& CsvWriter::Text(absl::string_view cell) {
  Separate();
  if (cell.find_first_of(",\"\r\n") == absl::string_view::npos) {
    absl::StrAppend(&buffer_, cell);
    return *this;
  }
  buffer_ += '"';
  for (char c : cell) {
    if (c == '"') buffer_ += '"';
    buffer_ += c;
  }
  buffer_ += '"';
  return *this;
}

CsvWriter& CsvWriter::Number(int64_t cell) {
  Separate();
  absl::StrAppend(&buffer_, cell);
  return *this;
}

void CsvWriter::EndRecord() {
  buffer_ += '\n';
  in_record_ = false;
  if (buffer_.size() >= kWriteBytes) Flush();
}

void CsvWriter::Flush() {
  out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  out_.flush();
  buffer_.clear();
}

}  // namespace sluice::cli
