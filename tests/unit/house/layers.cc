#include "tests/unit/house/layers.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace sluice {
namespace {

using Names = std::vector<absl::string_view>;

// One layer's folder, and the layers to its left that it may use.
struct Room {
  absl::string_view folder;
  absl::string_view name;
  Names uses;
};

// The first that holds a path is its room, so what is special stands before what is general.
const std::vector<Room>& Rooms() {
  static const auto& rooms = *new std::vector<Room>{
      {"server/core", "core", {}},
      {"server/io", "io", {"core"}},
      {"server/strategy", "strategy", {"core"}},
      {"server/backend/redis", "backend", {"core", "strategy", "io"}},
      {"server/backend", "backend", {"core", "strategy"}},
      {"server/policy", "policy", {"core", "strategy"}},
      {"server/limiter", "limiter", {"core", "strategy", "backend", "policy"}},
      {"server/service", "service", {"core", "strategy", "backend", "policy", "limiter"}},
      {"server/telemetry", "telemetry", {"core", "strategy", "backend", "policy", "limiter"}},
      {"server/transport",
       "transport",
       {"core", "io", "strategy", "backend", "policy", "limiter", "service", "telemetry"}},
      {"server/main.cc",
       "main",
       {"core", "io", "strategy", "backend", "policy", "limiter", "service", "telemetry",
        "transport"}},
      {"server/main", "main", {"core", "io", "strategy", "backend", "policy"}},
      {"client/cli", "cli", {"core", "io", "strategy", "backend", "policy", "limiter"}},
      {"client", "client", {"io"}},
  };
  return rooms;
}

// Headers of others that belong to some rooms alone.
struct Foreign {
  absl::string_view name;
  Names prefixes;
  Names suffixes;
  Names folders;
  Names except = {};  // prefixes that are ours
};

const std::vector<Foreign>& Foreigners() {
  static const auto& foreigners = *new std::vector<Foreign>{
      {"gRPC",
       {"grpc/", "grpc++/", "grpcpp/"},
       {".grpc.pb.h"},
       {"server/transport/grpc", "client"},
       {"grpc/health/v1/"}},
      {"protobuf",
       {"google/protobuf/"},
       {".pb.h"},
       {"server/service", "server/transport", "client"}},
      {"nghttp2", {"nghttp2/"}, {}, {"server/transport/h2"}},
      {"civetweb", {"civetweb.h"}, {}, {"server/transport/http"}},
      {"prometheus-cpp", {"prometheus/"}, {}, {"server/telemetry"}},
      {"spdlog",
       {"spdlog/"},
       {},
       {"server/main.cc", "server/main", "server/telemetry", "server/transport"}},
      {"yaml-cpp", {"yaml-cpp/"}, {}, {"server/policy"}},
      {"hiredis", {"hiredis/"}, {}, {"server/backend/redis"}},
      {"RE2", {"re2/"}, {}, {"server/policy"}},
      {"Lua",
       {"lua.h", "lua.hpp", "lauxlib.h", "lualib.h", "lua5"},
       {},
       {"server/backend/redis", "server/policy"}},
      {"absl::Mutex", {"absl/synchronization/"}, {}, {}},
  };
  return foreigners;
}

// Words that no source may contain, but for some.
struct Word {
  absl::string_view text;
  absl::string_view instead;
  Names folders;
};

const std::vector<Word>& Words() {
  static const Names no_one;
  static const Names clock = {"server/core/clock.cc"};
  // A gRPC deadline is an instant of the system clock.
  static const Names clock_and_deadlines = {"server/core/clock.cc", "client"};
  static const Names mutex = {"server/core/mutex.h"};
  static constexpr absl::string_view kTime = "time is an argument: ask a Clock";
  static constexpr absl::string_view kLock = "locks are core/mutex.h";
  static const auto& words = *new std::vector<Word>{
      {"system_clock::now(", kTime, clock_and_deadlines},
      {"::now(", kTime, clock},
      {"absl::Now(", kTime, no_one},
      {"time(", kTime, no_one},
      {"gettimeofday(", kTime, no_one},
      {"clock_gettime(", kTime, no_one},
      {"std::mutex", kLock, mutex},
      {"std::shared_mutex", kLock, mutex},
      {"std::recursive_mutex", kLock, mutex},
      {"std::condition_variable", kLock, mutex},
      {"absl::Mutex", kLock, no_one},
      {"absl::CondVar", kLock, no_one},
      {"std::string_view", "use absl::string_view", no_one},
  };
  return words;
}

bool IsWithin(absl::string_view path, absl::string_view folder) {
  return absl::ConsumePrefix(&path, folder) && (path.empty() || path[0] == '/');
}

bool IsWithinAny(absl::string_view path, const Names& folders) {
  return std::any_of(folders.begin(), folders.end(),
                     [&](absl::string_view folder) { return IsWithin(path, folder); });
}

bool IsWordCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
}

// The length of the comment or literal at the start of `rest`; 0 for none.
size_t CommentLength(absl::string_view rest) {
  if (absl::StartsWith(rest, "//")) return std::min(rest.find('\n'), rest.size());
  if (!absl::StartsWith(rest, "/*")) return 0;
  const size_t end = rest.find("*/", 2);
  return end == absl::string_view::npos ? rest.size() : end + 2;
}

size_t LiteralLength(absl::string_view rest, char before) {
  if (absl::StartsWith(rest, "R\"") && !IsWordCharacter(before)) {
    const size_t open = rest.find('(');
    if (open == absl::string_view::npos) return rest.size();
    const std::string close = absl::StrCat(")", rest.substr(2, open - 2), "\"");
    const size_t end = rest.find(close, open);
    return end == absl::string_view::npos ? rest.size() : end + close.size();
  }
  // Between digits `'` only groups them.
  const bool opens = rest[0] == '"' || (rest[0] == '\'' && !IsWordCharacter(before));
  if (!opens) return 0;
  for (size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '\\') {
      ++i;
    } else if (rest[i] == rest[0] || rest[i] == '\n') {
      return i + 1;
    }
  }
  return rest.size();
}

// The text without comments, and without literals if `literals`; its lines stay where they are.
std::string Blanked(absl::string_view text, bool literals) {
  std::string out(text);
  for (size_t i = 0; i < text.size();) {
    const size_t comment = CommentLength(text.substr(i));
    const size_t literal =
        comment > 0 ? 0 : LiteralLength(text.substr(i), i == 0 ? ' ' : text[i - 1]);
    if (comment > 0 || literals) {
      std::replace_if(
          out.begin() + static_cast<std::ptrdiff_t>(i),
          out.begin() + static_cast<std::ptrdiff_t>(i + comment + literal),
          [](char c) { return c != '\n'; }, ' ');
    }
    i += std::max<size_t>(comment + literal, 1);
  }
  return out;
}

struct Include {
  absl::string_view header;  // empty: the line is no #include
  bool quoted = false;
};

Include IncludeOf(absl::string_view line) {
  line = absl::StripLeadingAsciiWhitespace(line);
  if (!absl::ConsumePrefix(&line, "#")) return {};
  line = absl::StripLeadingAsciiWhitespace(line);
  if (!absl::ConsumePrefix(&line, "include")) return {};
  line = absl::StripAsciiWhitespace(line);
  if (line.size() < 2 || (line[0] != '"' && line[0] != '<')) return {};
  return {line.substr(1, line.find_first_of("\">", 1) - 1), line[0] == '"'};
}

bool StartsWithAny(absl::string_view header, const Names& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](absl::string_view p) { return absl::StartsWith(header, p); });
}

bool Belongs(absl::string_view header, const Foreign& foreign) {
  const bool named =
      StartsWithAny(header, foreign.prefixes) && !StartsWithAny(header, foreign.except);
  return named || std::any_of(foreign.suffixes.begin(), foreign.suffixes.end(),
                              [&](absl::string_view s) { return absl::EndsWith(header, s); });
}

// Whether the path says by its first word which room it leads to. Without a folder it is relative
// to the file that includes, and `..` walks out of the room it names.
bool NamesItsRoom(const Include& include) {
  const Names steps = absl::StrSplit(include.header, '/');
  const bool wanders = std::any_of(steps.begin(), steps.end(), [](absl::string_view step) {
    return step.empty() || step == "." || step == "..";
  });
  return !wanders && (!include.quoted || steps.size() > 1);
}

// What is wrong with the include, or nothing.
std::string CheckInclude(absl::string_view path, const Room& room, const Include& include) {
  const absl::string_view header = include.header;
  if (!NamesItsRoom(include)) {
    return absl::StrCat(room.name, " must not include ", header,
                        " (a path starts with its room and has no '..')");
  }
  if (IsWithin(header, "tests")) {
    return absl::StrCat(room.name, " must not include ", header, " (only tests use tests)");
  }
  for (const Foreign& foreign : Foreigners()) {
    if (!Belongs(header, foreign)) continue;
    if (IsWithinAny(path, foreign.folders)) return "";
    const std::string owners =
        foreign.folders.empty() ? "is used nowhere"
                                : absl::StrCat("belongs to ", absl::StrJoin(foreign.folders, ", "));
    return absl::StrCat(room.name, " must not include ", header, " (", foreign.name, " ", owners,
                        ")");
  }
  const absl::string_view top = header.substr(0, header.find('/'));
  const bool ours =
      top != header && std::any_of(Rooms().begin(), Rooms().end(),
                                   [&](const Room& each) { return each.name == top; });
  if (!ours || top == room.name) return "";
  if (std::find(room.uses.begin(), room.uses.end(), top) != room.uses.end()) return "";
  const std::string right = room.uses.empty()
                                ? "it depends on nothing of ours"
                                : absl::StrCat("it may use ", absl::StrJoin(room.uses, ", "));
  return absl::StrCat(room.name, " must not include ", header, " (", right, ")");
}

// The word alone, neither the end of a longer one nor somebody's member.
bool Contains(absl::string_view line, absl::string_view word) {
  for (size_t at = line.find(word); at != absl::string_view::npos; at = line.find(word, at + 1)) {
    const absl::string_view before = line.substr(0, at);
    const bool starts_alone =
        !IsWordCharacter(word[0]) || before.empty() ||
        (!IsWordCharacter(before.back()) && before.back() != '.' && !absl::EndsWith(before, "->"));
    const size_t end = at + word.size();
    const bool ends_alone =
        !IsWordCharacter(word.back()) || end == line.size() || !IsWordCharacter(line[end]);
    if (starts_alone && ends_alone) return true;
  }
  return false;
}

// What is wrong with the line's words, or nothing. The first that is in the line decides.
std::string CheckWords(absl::string_view path, absl::string_view line) {
  for (const Word& word : Words()) {
    if (!Contains(line, word.text)) continue;
    if (IsWithinAny(path, word.folders)) return "";
    return absl::StrCat(word.text, " is not for here (", word.instead, ")");
  }
  return "";
}

}  // namespace

std::vector<std::string> CheckSource(absl::string_view path, absl::string_view text) {
  const auto room = std::find_if(Rooms().begin(), Rooms().end(),
                                 [&](const Room& each) { return IsWithin(path, each.folder); });
  if (room == Rooms().end()) return {absl::StrCat(path, ":1: this is no room of the house")};
  const std::string code = Blanked(text, /*literals=*/false);
  const std::string bare = Blanked(text, /*literals=*/true);
  const std::vector<absl::string_view> code_lines = absl::StrSplit(code, '\n');
  const std::vector<absl::string_view> bare_lines = absl::StrSplit(bare, '\n');
  std::vector<std::string> found;
  for (size_t i = 0; i < code_lines.size(); ++i) {
    const Include include = IncludeOf(code_lines[i]);
    const std::string wrong = include.header.empty() ? CheckWords(path, bare_lines[i])
                                                     : CheckInclude(path, *room, include);
    if (!wrong.empty()) found.push_back(absl::StrCat(path, ":", i + 1, ": ", wrong));
  }
  return found;
}

}  // namespace sluice
