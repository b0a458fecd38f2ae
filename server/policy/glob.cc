#include "policy/glob.h"

#include <algorithm>
#include <cstddef>

#include "core/utf8.h"

namespace sluice {
namespace {

size_t CharacterLength(absl::string_view text) { return std::max<size_t>(Utf8Length(text), 1); }

// Only the last `*` is ever taken up again: what an earlier one could swallow more, it can too. So
// the work is at most |pattern| x |text|.
template <bool kMarks>
bool Matches(absl::string_view pattern, absl::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t after_star = absl::string_view::npos;
  size_t star_ends = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      star_ends = t;
    } else if (kMarks && p < pattern.size() && pattern[p] == '?') {
      ++p;
      t += CharacterLength(text.substr(t));
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (after_star != absl::string_view::npos) {
      p = after_star;
      // A `?` behind the star must not begin within a character.
      star_ends += kMarks ? CharacterLength(text.substr(star_ends)) : 1;
      t = star_ends;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == absl::string_view::npos;
}

}  // namespace

bool MatchesStars(absl::string_view pattern, absl::string_view text) {
  return Matches<false>(pattern, text);
}

bool MatchesGlob(absl::string_view pattern, absl::string_view text) {
  return Matches<true>(pattern, text);
}

}  // namespace sluice
