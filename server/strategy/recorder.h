// The number type that writes a step down as Lua.
//
// A step is a template over its number type. Run with Recorded numbers it computes nothing: each
// operation becomes a line on the tape of this thread, equal ones share a line, and the end of the
// recording is the text of a function. Comparing gives a RecordedTruth, which has no conversion to
// bool: an `if` on it does not compile, because a recording has no branch to take.
//
// Lua's numbers are doubles, and it has no integer division: floor(a / b) and ceil(a / b) are exact
// as long as the operands are below 2^53, which the choice of the tick guarantees
// (bound_strategy.h).
#ifndef SLUICE_STRATEGY_RECORDER_H_
#define SLUICE_STRATEGY_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/substitute.h"
#include "absl/types/span.h"

namespace sluice {

// What is recorded on this thread, while it lives; at most one at a time.
class Tape {
 public:
  using Id = size_t;

  Tape() { current_ = this; }
  ~Tape() { current_ = nullptr; }
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;
  static Tape& Current() { return *current_; }

  // A name or a literal.
  Id Leaf(absl::string_view text) { return Add({std::string(text), {}}); }
  // `form` with $0, $1, $2 for the operands.
  Id Operation(absl::string_view form, std::vector<Id> operands) {
    return Add({std::string(form), std::move(operands)});
  }

  // The lines of a function that returns `results`. What is used more than once gets a name. The
  // order is that of use and not of the tape, because compilers differ in the order in which they
  // compute arguments.
  std::string Text(absl::Span<const Id> results) const {
    Writer writer{*this, std::vector<int>(lines_.size()), std::vector<std::string>(lines_.size())};
    for (const Id result : results) ++writer.uses[result];
    for (Id id = lines_.size(); id-- > 0;) {
      if (writer.uses[id] == 0) continue;
      for (const Id operand : lines_[id].operands) ++writer.uses[operand];
    }
    for (const Id result : results) writer.Write(result);
    const auto text = [&](std::string* to, Id id) { to->append(Unwrapped(writer.texts[id])); };
    return absl::StrCat(writer.out, "  return ", absl::StrJoin(results, ",\n    ", text), "\n");
  }

 private:
  struct Line {
    std::string form;
    std::vector<Id> operands;
    friend bool operator<(const Line& a, const Line& b) {
      return a.form != b.form ? a.form < b.form : a.operands < b.operands;
    }
  };

  struct Writer {
    // Whatever it needs comes first.
    void Write(Id id) {
      if (!texts[id].empty()) return;
      const Line& line = tape.lines_[id];
      std::vector<absl::string_view> operands;
      for (const Id operand : line.operands) {
        Write(operand);
        operands.push_back(texts[operand]);
      }
      operands.resize(3);
      texts[id] = absl::Substitute(line.form, operands[0], operands[1], operands[2]);
      if (uses[id] == 1 || line.operands.empty()) return;
      const std::string name = absl::StrCat("v", ++names);
      absl::StrAppend(&out, "  local ", name, " = ", Unwrapped(texts[id]), "\n");
      texts[id] = name;
    }

    const Tape& tape;
    std::vector<int> uses;           // of each line
    std::vector<std::string> texts;  // what stands for it, once it is written
    std::string out = {};
    int names = 0;
  };

  Id Add(Line line) {
    const auto [known, fresh] = ids_.try_emplace(line, lines_.size());
    if (fresh) lines_.push_back(std::move(line));
    return known->second;
  }

  // Forms that need it stand in parentheses; around a whole expression they are noise.
  static std::string Unwrapped(const std::string& text) {
    return text.front() == '(' ? text.substr(1, text.size() - 2) : text;
  }

  static inline thread_local Tape* current_ = nullptr;
  std::vector<Line> lines_;
  std::map<Line, Id> ids_;
};

class RecordedTruth {
 public:
  explicit RecordedTruth(Tape::Id line) : id(line) {}

  friend RecordedTruth And(const RecordedTruth& a, const RecordedTruth& b) {
    return RecordedTruth(Tape::Current().Operation("($0 and $1)", {a.id, b.id}));
  }
  friend RecordedTruth Or(const RecordedTruth& a, const RecordedTruth& b) {
    return RecordedTruth(Tape::Current().Operation("($0 or $1)", {a.id, b.id}));
  }

  Tape::Id id;
};

class Recorded {
 public:
  explicit Recorded(int64_t literal) : id(Tape::Current().Leaf(absl::StrCat(literal))) {}
  explicit Recorded(absl::string_view name) : id(Tape::Current().Leaf(name)) {}

  using R = const Recorded&;
  friend Recorded operator+(R a, R b) { return Make("($0 + $1)", {a.id, b.id}); }
  friend Recorded operator-(R a, R b) { return Make("($0 - $1)", {a.id, b.id}); }
  friend Recorded operator*(R a, R b) { return Make("($0 * $1)", {a.id, b.id}); }
  friend RecordedTruth operator==(R a, R b) { return Compare("($0 == $1)", a, b); }
  friend RecordedTruth operator<(R a, R b) { return Compare("($0 < $1)", a, b); }
  friend RecordedTruth operator<=(R a, R b) { return Compare("($0 <= $1)", a, b); }
  friend RecordedTruth operator>(R a, R b) { return Compare("($0 > $1)", a, b); }
  friend RecordedTruth operator>=(R a, R b) { return Compare("($0 >= $1)", a, b); }

  // A number is always true in Lua, so `and` and `or` choose.
  friend Recorded Select(const RecordedTruth& condition, R then, R otherwise) {
    return Make("($0 and $1 or $2)", {condition.id, then.id, otherwise.id});
  }
  friend Recorded Min(R a, R b) { return Make("min($0, $1)", {a.id, b.id}); }
  friend Recorded Max(R a, R b) { return Make("max($0, $1)", {a.id, b.id}); }
  friend Recorded FloorDiv(R a, R b) { return Make("floor($0 / $1)", {a.id, b.id}); }
  friend Recorded CeilDiv(R a, R b) { return Make("ceil($0 / $1)", {a.id, b.id}); }
  friend Recorded Mod(R a, R b) { return Make("($0 % $1)", {a.id, b.id}); }

  Tape::Id id;

 private:
  struct Known {
    Tape::Id id;
  };
  explicit Recorded(Known known) : id(known.id) {}
  static Recorded Make(absl::string_view form, std::vector<Tape::Id> operands) {
    return Recorded(Known{Tape::Current().Operation(form, std::move(operands))});
  }
  static RecordedTruth Compare(absl::string_view form, R a, R b) {
    return RecordedTruth(Tape::Current().Operation(form, {a.id, b.id}));
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_RECORDER_H_
