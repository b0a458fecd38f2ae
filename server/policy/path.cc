#include "policy/path.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "policy/glob.h"

namespace sluice {
namespace {

using Segment = PathPattern::Segment;

constexpr size_t kMaxLength = 1024;
constexpr size_t kMaxSegments = 64;

absl::Status Bad(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("path '", text, "': ", why, " (for example /api/**, /api/v*/users or /health)"));
}

// Whether it means the same in a path when it is encoded: what RFC 3986, 3.3 lets stand there, but
// `*` and `;`, and what is not ASCII.
bool IsPlain(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         static_cast<unsigned char>(c) >= 0x80 ||
         absl::string_view("-._~!$&'()+,=:@").find(c) != absl::string_view::npos;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The character that `text` begins with as `%2F`; nullopt when it does not begin so.
absl::optional<char> EncodedAt(absl::string_view text) {
  if (text.size() < 3 || text[0] != '%') return absl::nullopt;
  const int high = HexDigit(text[1]);
  const int low = HexDigit(text[2]);
  if (high < 0 || low < 0) return absl::nullopt;
  return static_cast<char>(16 * high + low);
}

struct Decoded {
  std::string text;
  bool hides = false;  // a slash, a dot or a `;` was encoded, or a slash written as `\`
};

// Of a request; in a pattern a slash is what it is written as, so that `slashes` is false.
Decoded Decode(absl::string_view path, bool slashes) {
  Decoded decoded;
  decoded.text.reserve(path.size());
  for (size_t i = 0; i < path.size(); ++i) {
    const absl::optional<char> encoded = EncodedAt(path.substr(i));
    const char c = encoded.value_or(path[i]);
    const bool slash = slashes && ((encoded.has_value() && c == '/') || c == '\\');
    decoded.hides = decoded.hides || slash || (encoded.has_value() && (c == '.' || c == ';'));
    if (slash) {
      decoded.text += '/';
    } else if (c == '%' && !encoded.has_value()) {
      decoded.text += "%25";  // or it might make a code of what is decoded behind it
    } else if (!encoded.has_value() || IsPlain(c)) {
      decoded.text += c;
    } else {
      absl::StrAppend(&decoded.text, absl::AsciiStrToUpper(path.substr(i, 3)));
    }
    if (encoded.has_value()) i += 2;
  }
  return decoded;
}

// Servlets cut off what comes behind a `;`, and before they look for dots.
absl::string_view WithoutParameters(absl::string_view segment) {
  return segment.substr(0, segment.find(';'));
}

bool IsDot(absl::string_view segment) { return WithoutParameters(segment) == "."; }
bool IsDotDot(absl::string_view segment) { return WithoutParameters(segment) == ".."; }

// Whether Resolve would change it.
bool IsUnresolved(absl::string_view path) {
  if (path[0] != '/') return true;
  for (PathSegments segments(path); !segments.done(); segments.Next()) {
    const absl::string_view segment = segments.head();
    if (segment.empty() || (segment[0] == '.' && (IsDot(segment) || IsDotDot(segment)))) {
      return true;
    }
  }
  return false;
}

// http://host/a is /a.
absl::string_view WithoutAuthority(absl::string_view path) {
  const size_t scheme = path.find("://");
  if (scheme == absl::string_view::npos || path.find('/') != scheme + 1) return path;
  const size_t slash = path.find('/', scheme + 3);
  return slash == absl::string_view::npos ? "/" : path.substr(slash);
}

// `rooted` begins with a slash.
std::string Resolve(absl::string_view rooted) {
  absl::InlinedVector<absl::string_view, 16> kept;
  for (PathSegments segments(rooted); !segments.done(); segments.Next()) {
    const absl::string_view segment = segments.head();
    if (IsDotDot(segment)) {
      if (!kept.empty()) kept.pop_back();
    } else if (!WithoutParameters(segment).empty() && !IsDot(segment)) {
      kept.push_back(WithoutParameters(segment));
    }
  }
  std::string resolved;
  for (absl::string_view segment : kept) absl::StrAppend(&resolved, "/", segment);
  if (resolved.empty() || rooted.back() == '/') resolved += '/';
  return resolved;
}

bool IsUsual(absl::string_view path) {
  return path.find_first_of("%\\;") == absl::string_view::npos && !IsUnresolved(path);
}

absl::optional<absl::string_view> WhatIsWrongWith(absl::string_view segment) {
  if (segment.empty()) return "it has // in it, which requests are matched without";
  if (IsDot(segment) || IsDotDot(segment)) return "it has dot segments";
  if (segment != "**" && absl::StrContains(segment, "**")) {
    return "** does not stand alone between slashes";
  }
  return absl::nullopt;
}

Segment ToSegment(absl::string_view text) {
  if (text == "**") return {Segment::Kind::kAny, ""};
  const bool glob = absl::StrContains(text, '*');
  return {glob ? Segment::Kind::kGlob : Segment::Kind::kLiteral, std::string(text)};
}

bool IsAny(const Segment& segment) { return segment.kind == Segment::Kind::kAny; }

// As a glob matches (policy/glob.cc), by segments.
bool MatchesAll(absl::Span<const Segment> pattern, PathSegments path) {
  size_t p = 0;
  size_t after_any = 0;  // 0: there was none
  PathSegments any_ends = path;
  while (!path.done()) {
    if (p < pattern.size() && IsAny(pattern[p])) {
      if (++p == pattern.size()) return true;
      after_any = p;
      any_ends = path;
    } else if (p < pattern.size() && MatchesSegment(pattern[p], path.head())) {
      ++p;
      path.Next();
    } else if (after_any > 0) {
      p = after_any;
      any_ends.Next();
      path = any_ends;
    } else {
      return false;
    }
  }
  return std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(p), pattern.end(), IsAny);
}

}  // namespace

PathSegments::PathSegments(absl::string_view path) : rest_(path) {
  if (rest_.empty() || rest_[0] != '/') {
    rest_ = absl::string_view();
    return;
  }
  if (rest_.back() == '/') rest_.remove_suffix(1);
  Measure();
}

void PathSegments::Next() {
  rest_.remove_prefix(1 + length_);
  Measure();
}

void PathSegments::Measure() {
  if (!rest_.empty()) length_ = std::min(rest_.find('/', 1), rest_.size()) - 1;
}

RequestPath::RequestPath(absl::string_view target)
    : raw_(target.substr(0, target.find_first_of("?#"))) {
  if (raw_.empty() || IsUsual(raw_)) return;
  Decoded decoded = Decode(WithoutAuthority(raw_), /*slashes=*/true);
  odd_ = raw_[0] != '/' || decoded.hides || absl::StrContains(decoded.text, ';') ||
         IsUnresolved(decoded.text);
  if (decoded.text[0] != '/') decoded.text.insert(0, 1, '/');
  canonical_ = Resolve(decoded.text);
  differs_ = canonical_ != raw_;
}

absl::StatusOr<PathPattern> PathPattern::Parse(absl::string_view text) {
  if (text.empty() || text[0] != '/') return Bad(text, "it does not begin with a slash");
  if (text.size() > kMaxLength) {
    return Bad(absl::StrCat(text.substr(0, 32), "..."), "it is longer than 1024 bytes");
  }
  if (text.find_first_of("?#") != absl::string_view::npos) {
    return Bad(text, "it has ? or # in it, but a query is no part of a path");
  }
  PathPattern pattern(text);
  const std::string decoded = Decode(text, /*slashes=*/false).text;
  size_t count = 0;
  for (PathSegments segments(decoded); !segments.done(); segments.Next()) {
    if (++count > kMaxSegments) return Bad(text, "it has more than 64 segments");
    const auto wrong = WhatIsWrongWith(segments.head());
    if (wrong.has_value()) return Bad(text, *wrong);
    Segment segment = ToSegment(segments.head());
    const bool again =
        IsAny(segment) && !pattern.segments_.empty() && IsAny(pattern.segments_.back());
    if (!again) pattern.segments_.push_back(std::move(segment));
  }
  if (!absl::StrContains(text, '*')) pattern.segments_.push_back(ToSegment("**"));
  return pattern;
}

absl::StatusOr<PathPattern> PathPattern::Regex(absl::string_view text) {
  absl::StatusOr<sluice::Regex> regex = sluice::Regex::Parse(text);
  if (!regex.ok()) return regex.status();
  PathPattern pattern(text);
  pattern.regex_ = *std::move(regex);
  return pattern;
}

bool PathPattern::Matches(absl::string_view path) const {
  if (regex_.has_value()) return regex_->Matches(path);
  return !path.empty() && path[0] == '/' && MatchesAll(segments_, PathSegments(path));
}

bool MatchesSegment(const Segment& segment, absl::string_view text) {
  return segment.kind == Segment::Kind::kGlob ? MatchesStars(segment.text, text)
                                              : segment.text == text;
}

}  // namespace sluice
