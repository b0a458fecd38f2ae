// Checked reading of YAML nodes: what is asked for comes back, what is wrong is collected.
//
// Every method reports what it refuses, so that a caller goes on and all errors are found at once.
#ifndef SLUICE_POLICY_READER_H_
#define SLUICE_POLICY_READER_H_

#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "policy/loader.h"
#include "policy/yaml.h"

namespace sluice {

// A value and what it is called in errors. Views into the document.
struct Field {
  absl::string_view name;
  const YamlNode* node = nullptr;  // nullptr: absent

  explicit operator bool() const { return node != nullptr; }
};

// Reads the nodes of one file. Absent fields give nullopt without an error, wrong ones nullopt and
// an error.
class FileReader {
 public:
  // Whose words errors about keys are in, and whether `${VAR}` in a value is meant as a variable
  // (kSluice) or is plain text (kEnvoy).
  enum class Dialect { kSluice, kEnvoy };

  FileReader(std::string file, Dialect dialect) : file_(std::move(file)), dialect_(dialect) {}

  const std::string& file() const { return file_; }
  Dialect dialect() const { return dialect_; }
  Position At(const YamlNode& node) const { return {file_, node.line, node.column}; }

  void Refuse(const YamlNode& node, std::string what, std::string hint = "");
  void Refuse(int line, int column, std::string what, std::string hint = "");
  // Errors beyond a thousand are not worth the time to explain.
  bool full() const { return errors_.size() >= kMaxErrors; }
  // In order and without repeats: what is behind an alias is read wherever the alias stands.
  std::vector<PolicyError> Errors() const;

  // Any scalar as its text.
  absl::optional<std::string> Text(Field field);
  // 1 to 256 bytes without control characters.
  absl::optional<std::string> Name(Field field);
  // A whole number in [least, most].
  absl::optional<int64_t> Whole(Field field, int64_t least, int64_t most);
  // true and false in any of YAML's spellings.
  absl::optional<bool> Flag(Field field);
  // Microseconds.
  absl::optional<int64_t> Duration(Field field);
  // One of `choices`, each a word and its value.
  template <class E>
  absl::optional<E> Choice(Field field,
                           std::initializer_list<std::pair<absl::string_view, E>> choices);
  // The items of a list; an empty list is as good as none.
  std::vector<Field> Items(Field field);
  // Whether the field, in errors called `what`, is a map (or empty, which is as good as `{}`).
  bool IsMap(Field field, absl::string_view what);

 private:
  static constexpr size_t kMaxErrors = 1000;

  absl::optional<size_t> ChoiceIndex(Field field, absl::Span<const absl::string_view> words);

  struct InOrder {
    bool operator()(const PolicyError& a, const PolicyError& b) const;
  };

  const std::string file_;
  const Dialect dialect_;
  std::set<PolicyError, InOrder> errors_;
};

// Reads each key of a map, then Finish() refuses the keys that nobody asked for.
class MapReader {
 public:
  // `what` names the map in errors: "a throttle". When the field is no map, that is reported and
  // the reader is as over an empty one.
  MapReader(FileReader& file, Field field, std::string what);

  Field Find(absl::string_view key);
  // Also reports a key that is not there.
  Field Require(absl::string_view key, absl::string_view hint);
  // Keys of the contract that are refused by name.
  void NotYet(std::initializer_list<absl::string_view> keys);
  void Finish();

  const YamlNode& node() const { return *node_; }

 private:
  void RefuseKey(const YamlNode& key);

  FileReader& file_;
  const YamlNode* node_;
  const std::string what_;
  std::vector<absl::string_view> known_;
  std::vector<absl::string_view> later_;
};

// What stands there, for errors: "'text'", "a list", "a map", "nothing".
std::string Found(const YamlNode& node);
// The same with the text as it is.
std::string FoundText(const YamlNode& node);

// "did you mean 'x'?" of the candidates and the `others`, or which candidates there are.
std::string DidYouMean(absl::string_view word, absl::Span<const absl::string_view> candidates,
                       absl::Span<const absl::string_view> others = {});

template <class E>
absl::optional<E> FileReader::Choice(
    Field field, std::initializer_list<std::pair<absl::string_view, E>> choices) {
  std::vector<absl::string_view> words;
  for (const auto& choice : choices) words.push_back(choice.first);
  const absl::optional<size_t> index = ChoiceIndex(field, words);
  if (!index.has_value()) return absl::nullopt;
  return (choices.begin() + *index)->second;
}

}  // namespace sluice

#endif  // SLUICE_POLICY_READER_H_
