// Paths of requests, and patterns of them: `/api/v*/users`, `/api/**`, `/health`.
#ifndef SLUICE_POLICY_PATH_H_
#define SLUICE_POLICY_PATH_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "policy/regex.h"

namespace sluice {

// What stands between the slashes of a path that begins with one, from the first to the last. A
// slash at the end makes no difference, and any other path has no segments.
class PathSegments {
 public:
  explicit PathSegments(absl::string_view path);

  bool done() const { return rest_.empty(); }
  // These only when not done.
  absl::string_view head() const { return rest_.substr(1, length_); }
  void Next();

 private:
  void Measure();

  absl::string_view rest_;  // empty, or begins with the slash before the head
  size_t length_ = 0;       // of the head
};

// The path that a request asks for, as it was sent and as a server will understand it. What
// somebody may send to be understood differently by Sluice and by the server is odd. Keeps views of
// what it was made of, which must live as long; allocates only for a path whose two forms differ.
class RequestPath {
 public:
  // `target` is the path, with or without a query (from the first `?` or `#`), which is cut off.
  // http://host before it is cut off the canonical form.
  explicit RequestPath(absl::string_view target);

  // A request without a path.
  bool empty() const { return raw_.empty(); }
  absl::string_view raw() const { return raw_; }
  // What may stand in a path as it is (RFC 3986, 3.3) is decoded, and so are slashes and what is
  // not ASCII; `\` is a slash, slashes in a row are one, dot segments are resolved, what comes
  // behind a
  // `;` in a segment is cut off, it begins with a slash, the hex digits of what stays encoded are
  // upper-case, and a `%` that encodes nothing is `%25`. Equal to raw() for nearly every path.
  absl::string_view canonical() const { return differs_ ? canonical_ : raw_; }
  // It has `//`, a dot segment, a `;` (servlets cut off what comes behind it), a `\`, one of these
  // encoded, an encoded `.`, or does not begin with a slash.
  bool odd() const { return odd_; }

 private:
  absl::string_view raw_;
  std::string canonical_;  // iff differs_
  bool differs_ = false;
  bool odd_ = false;
};

// Which paths. Immutable.
class PathPattern {
 public:
  struct Segment {
    enum class Kind { kLiteral, kGlob, kAny };
    Kind kind;         // kAny: any number of segments, also none; never two in a row
    std::string text;  // empty for kAny; `*` in a kGlob is any characters of one segment
  };

  // A path of at most 1024 bytes and 64 segments. `**` is any number of segments, also none; `*` is
  // any characters within one. Without either it is a prefix by segments: /health matches /health
  // and /health/x, not /healthz, and / matches everything. Unreserved characters may be
  // percent-encoded. The error tells what is wrong and what would be right.
  static absl::StatusOr<PathPattern> Parse(absl::string_view text);
  // The whole path, see Regex; a slash at its end is then a difference.
  static absl::StatusOr<PathPattern> Regex(absl::string_view text);

  // The work is at most |pattern| x |path|.
  bool Matches(absl::string_view path) const;

  const std::string& text() const { return text_; }
  bool is_regex() const { return regex_.has_value(); }
  // Empty for a regex, and never otherwise: a prefix ends with kAny.
  absl::Span<const Segment> segments() const { return segments_; }

 private:
  explicit PathPattern(absl::string_view text) : text_(text) {}

  std::string text_;
  std::vector<Segment> segments_;
  absl::optional<sluice::Regex> regex_;
};

// Whether a segment of a request's path is one that a pattern names. Never for kAny.
bool MatchesSegment(const PathPattern::Segment& segment, absl::string_view text);

}  // namespace sluice

#endif  // SLUICE_POLICY_PATH_H_
