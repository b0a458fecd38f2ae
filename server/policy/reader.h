// Checked reading of YAML nodes: what is asked for comes back, what is wrong is collected.
//
// Every method reports what it refuses, so that a caller goes on and all errors are found at once.
//
// `${VAR}` in a value is replaced from the environment (variables.h); what is wrong with the value
// is told of the reference, because the value may be a secret. Keys are plain text.
#ifndef SLUICE_POLICY_READER_H_
#define SLUICE_POLICY_READER_H_

#include <cstdint>
#include <forward_list>
#include <initializer_list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "policy/inputs.h"
#include "policy/keys.h"
#include "policy/loader.h"
#include "policy/variables.h"
#include "policy/yaml.h"

namespace sluice {

// A value and what it is called in errors. Views into the document.
struct Field {
  absl::string_view name;
  const YamlNode* node = nullptr;  // nullptr: absent

  explicit operator bool() const { return node != nullptr; }
};

// What a configuration takes from elsewhere than its own text, and what was taken.
struct Outside {
  Environment environment = ProcessEnvironment();
  std::string folder;   // of the files that it names: empty, or with a `/` behind it
  bool files = true;    // whether it may name files
  PolicyInputs inputs;  // what was read or looked for
  std::string digests;  // of all contents and values that were used
  // By the value that has variables in it.
  absl::flat_hash_map<const YamlNode*, Expansion> expansions;
  size_t expanded_bytes = 0;
  // Values that nobody is to see.
  absl::flat_hash_set<const YamlNode*> concealed;
};

// Reads nodes of one file, or of several that are one configuration. Absent fields give nullopt
// without an error, wrong ones nullopt and an error.
class FileReader {
 public:
  // Whose words errors about keys are in, and whether `${VAR}` in a value is meant as a variable
  // (kSluice) or is plain text (kEnvoy).
  enum class Dialect { kSluice, kEnvoy };

  // `file` is where nodes of no document stand. `outside` outlives the reader.
  FileReader(std::string file, Dialect dialect, Outside& outside)
      : file_(std::move(file)), dialect_(dialect), outside_(outside) {}

  const std::string& file() const { return file_; }
  Dialect dialect() const { return dialect_; }
  Position At(const YamlNode& node) const {
    return {node.file != nullptr ? *node.file : file_, node.line, node.column};
  }
  // How an error at `node` speaks of another place: "on line 3", "in FILE:3".
  std::string Elsewhere(const Position& other, const YamlNode& node) const;

  void Refuse(const YamlNode& node, std::string what, std::string hint = "");
  // Of the reader's own file.
  void Refuse(int line, int column, std::string what, std::string hint = "");
  // Errors beyond a thousand are not worth the time to explain.
  bool full() const { return errors_.size() >= kMaxErrors; }
  // In order and without repeats: what is behind an alias is read wherever the alias stands.
  std::vector<PolicyError> Errors() const;

  // Any scalar as its text, with variables replaced.
  absl::optional<std::string> Text(Field field);
  // 1 to 256 bytes without control characters.
  absl::optional<std::string> Name(Field field);
  // A whole number in [least, most].
  absl::optional<int64_t> Whole(Field field, int64_t least, int64_t most);
  // true and false in any of YAML's spellings.
  absl::optional<bool> Flag(Field field);
  // Microseconds.
  absl::optional<int64_t> Duration(Field field);
  // The same, in [least, most].
  absl::optional<int64_t> Duration(Field field, int64_t least, int64_t most);
  // A number in [least, most].
  absl::optional<double> Number(Field field, double least, double most);
  // One of `choices`, each a word and its value.
  template <class E>
  absl::optional<E> Choice(Field field,
                           std::initializer_list<std::pair<absl::string_view, E>> choices);
  // The items of a list; an empty list is as good as none.
  std::vector<Field> Items(Field field);
  // Whether the field, in errors called `what`, is a map (or empty, which is as good as `{}`).
  bool IsMap(Field field, absl::string_view what);
  // The content of the file that the field names, without one line break at its end: 1 byte to
  // 64 KiB of UTF-8.
  absl::optional<std::string> SecretFile(Field field);
  // The name of a file as sluiced opens it: a relative one is from the folder of the configuration.
  // The file need not be there.
  absl::optional<std::string> Path(Field field);
  // Whether the configuration may name files; refuses the field otherwise.
  bool MayNameFiles(Field field);
  // The effective policy shows `***` for this value, and for each of a list.
  void Conceal(const YamlNode& node);

 private:
  static constexpr size_t kMaxErrors = 1000;

  void Refuse(Position position, std::string what, std::string hint);
  absl::optional<std::string> Expand(Field field);

  // `what` without what variables hold, and without secrets: where it names one, it ends.
  std::string Discreet(const YamlNode& node, std::string what) const;

  absl::optional<size_t> ChoiceIndex(Field field, absl::Span<const absl::string_view> words);

  struct InOrder {
    bool operator()(const PolicyError& a, const PolicyError& b) const;
  };

  const std::string file_;
  const Dialect dialect_;
  Outside& outside_;
  std::set<PolicyError, InOrder> errors_;
};

// Reads each key of a map, then Finish() refuses the keys that nobody asked for.
//
// It is held to the table of keys (keys.h), unless the dialect is another: asking for a key that
// its section does not have, and finishing without having asked for all that it has, end the
// process.
class MapReader {
 public:
  // `section` is one of the table's, and names the map in errors unless `what` does: "a throttle".
  // When the field is no map, that is reported and the reader is as over an empty one.
  MapReader(FileReader& file, Field field, absl::string_view section, std::string what = "");

  Field Find(absl::string_view key);
  // The key `key` with `suffix` behind it.
  Field Find(absl::string_view key, absl::string_view suffix);
  // Also reports a key that is not there.
  Field Require(absl::string_view key, absl::string_view hint);
  // A key that is not the section's, and that was reported already.
  void Ignore(absl::string_view key) { known_.push_back(key); }
  // Keys of the contract that are refused by name.
  void NotYet(std::initializer_list<absl::string_view> keys);
  void Finish();

  const YamlNode& node() const { return *node_; }
  // Of the field that it reads.
  absl::string_view name() const { return name_; }

 private:
  void RefuseKey(const YamlNode& key);
  std::vector<absl::string_view> KnownKeys() const;

  FileReader& file_;
  const ConfigSection* section_;  // nullptr in another dialect
  const YamlNode* node_;
  const absl::string_view name_;
  const std::string what_;
  std::forward_list<std::string> composed_;  // names of keys that are nobody else's
  std::vector<absl::string_view> known_;
  std::vector<absl::string_view> later_;
};

// A secret: the value of `key`, or the content of the file that `key_file` names. nullopt without
// an error when neither is there. A literal is concealed when the name of the map or of the key
// looks like that of a secret.
absl::optional<std::string> Secret(FileReader& file, MapReader& map, absl::string_view key);

// Whether a name (of a header, of a key) is one that secrets go by: authorization, cookie, and what
// has key, password, secret or token in it.
bool LooksSecret(absl::string_view name);

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
