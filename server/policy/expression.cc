#include "policy/expression.h"

#include <lua5.4/lua.hpp>

#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "core/mutex.h"
#include "core/rate.h"
#include "core/utf8.h"

namespace sluice {
namespace {

// Lua is compiled as C and raises an error by longjmp, past all destructors. So in functions that
// Lua calls, no object with a destructor is alive where something can be raised.

constexpr size_t kMaxSource = 1024;
constexpr int kMaxInstructions = 10'000;
// Of one evaluation, whether it is freed again or not: this bounds the time of copying, too.
constexpr size_t kMaxMemory = size_t{64} << 10;
// A string can keep a single instruction busy for as long as it is.
constexpr size_t kMaxBlock = size_t{8} << 10;
// What evaluations may leave behind before it is collected.
constexpr size_t kMaxGarbage = size_t{32} << 10;

// Nobody's number is longer, and reading digits takes time.
constexpr size_t kMaxNumber = 64;

constexpr absl::string_view kHeaderPrefix = "header.";

// All of math but for what is random, and for what tells integers from floats.
constexpr const char* kMathNames[] = {"abs",  "acos", "asin", "atan", "cos",  "deg",
                                      "exp",  "fmod", "huge", "log",  "max",  "min",
                                      "modf", "pi",   "rad",  "sin",  "sqrt", "tan"};

// What Lua says quotes the source, which may be any bytes.
std::string Readable(absl::string_view text) {
  std::string readable;
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const bool control = absl::ascii_iscntrl(static_cast<unsigned char>(text[0]));
    if (length == 0 || control) {
      readable += control && absl::ascii_isspace(static_cast<unsigned char>(text[0])) ? ' ' : '?';
    } else {
      absl::StrAppend(&readable, text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return readable;
}

absl::Status Failed(absl::string_view source, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("expr '", Readable(source), "': ", why));
}

absl::Status Bad(absl::string_view source, absl::string_view why) {
  return Failed(source, absl::StrCat(why, " (for example ceil(content_length / 1024))"));
}

// Digits, with a point and a sign at most: Lua's own numbers could be hexadecimal, too.
absl::optional<double> DecimalNumber(absl::string_view text) {
  if (text.size() > kMaxNumber) return absl::nullopt;
  absl::string_view rest = text;
  absl::ConsumePrefix(&rest, "-");
  bool digits = false;
  bool point = false;
  for (const char c : rest) {
    if (c == '.' && digits && !point) {
      digits = false;
      point = true;
    } else if (absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      digits = true;
    } else {
      return absl::nullopt;
    }
  }
  double number = 0;
  if (!digits || !absl::SimpleAtod(text, &number)) return absl::nullopt;
  return number;
}

// One Lua state that holds one compiled expression. For one thread at a time.
class Interpreter {
 public:
  // The error is Lua's reason.
  static absl::StatusOr<std::unique_ptr<Interpreter>> Create(absl::string_view source);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // The error is the reason alone.
  absl::StatusOr<int64_t> Evaluate(ContextLookup lookup);

 private:
  // Where they stay on the stack.
  static constexpr int kEnvironment = 1;
  static constexpr int kFunction = 2;
  static constexpr int kResult = 3;

  struct Value {
    bool read = false;
    absl::string_view text;
  };

  Interpreter() = default;
  static Interpreter& Of(lua_State* lua);
  static void* Allocate(void* self, void* block, size_t old_size, size_t new_size);

  // What Lua calls. Each may raise.
  static int BuildEnvironment(lua_State* lua);
  static int IndexContext(lua_State* lua);
  static int IndexHeader(lua_State* lua);
  static int RefuseAssignment(lua_State* lua);
  static int Floor(lua_State* lua);
  static int Ceil(lua_State* lua);
  static void Stop(lua_State* lua, lua_Debug* event);
  static int PushValue(lua_State* lua, absl::string_view prefix);

  absl::Status Load(absl::string_view before, absl::string_view source, absl::string_view after);
  Value Find(absl::string_view prefix, absl::string_view key) const noexcept;
  absl::StatusOr<int64_t> Cost() const;
  absl::Status Error(int status) const;

  lua_State* lua_ = nullptr;
  const ContextLookup* lookup_ = nullptr;  // while Evaluate runs
  size_t budget_ = kMaxMemory;
  size_t live_ = 0;
  size_t live_at_first_ = 0;
};

absl::StatusOr<std::unique_ptr<Interpreter>> Interpreter::Create(absl::string_view source) {
  std::unique_ptr<Interpreter> self(new Interpreter);
  self->lua_ = lua_newstate(&Interpreter::Allocate, self.get());
  if (self->lua_ == nullptr) return absl::ResourceExhaustedError("not enough memory");
  lua_State* lua = self->lua_;
  *static_cast<Interpreter**>(lua_getextraspace(lua)) = self.get();
  // An evaluation is bounded by what it asks for, and Evaluate collects.
  lua_gc(lua, LUA_GCSTOP);
  lua_pushcfunction(lua, &Interpreter::BuildEnvironment);
  const int status = lua_pcall(lua, 0, 1, 0);
  if (status != LUA_OK) return self->Error(status);

  // Only one expression passes both: alone it could be followed by `;` or `,` and more, which does
  // not stand within parentheses. What closes the parenthesis too early, `1) + (2`, is nothing
  // alone. A comment at its end stops at the line's end, and one that does not is never closed.
  self->budget_ = kMaxMemory;
  absl::Status loaded = self->Load("return ", source, "");
  if (!loaded.ok()) return loaded;
  lua_settop(lua, kEnvironment);
  self->budget_ = kMaxMemory;
  loaded = self->Load("return (", source, "\n)");
  if (!loaded.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("it is not one expression: ", loaded.message()));
  }
  lua_gc(lua, LUA_GCCOLLECT);
  self->live_at_first_ = self->live_;
  return self;
}

Interpreter::~Interpreter() {
  if (lua_ != nullptr) lua_close(lua_);
}

Interpreter& Interpreter::Of(lua_State* lua) {
  return **static_cast<Interpreter**>(lua_getextraspace(lua));
}

void* Interpreter::Allocate(void* self, void* block, size_t old_size, size_t new_size) {
  Interpreter& interpreter = *static_cast<Interpreter*>(self);
  if (block == nullptr) old_size = 0;  // it tells the type of what is new
  if (new_size > old_size) {
    if (new_size > kMaxBlock || new_size > interpreter.budget_) return nullptr;
    interpreter.budget_ -= new_size;
  }
  void* moved = nullptr;
  if (new_size == 0) {
    std::free(block);
  } else {
    moved = std::realloc(block, new_size);
    if (moved == nullptr) return nullptr;
  }
  interpreter.live_ += new_size;
  interpreter.live_ -= old_size;
  return moved;
}

// A table with nothing in it, so that each read asks what is on the top of the stack, and each
// assignment is refused. Takes the place of that.
int PushReadOnly(lua_State* lua, lua_CFunction refuse) {
  lua_createtable(lua, 0, 0);
  lua_createtable(lua, 0, 2);
  lua_rotate(lua, -3, -1);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, refuse);
  lua_setfield(lua, -2, "__newindex");
  lua_setmetatable(lua, -2);
  return 1;
}

int Interpreter::BuildEnvironment(lua_State* lua) {
  lua_pushcfunction(lua, luaopen_math);
  lua_call(lua, 0, 1);
  const int math = lua_gettop(lua);
  lua_createtable(lua, 0, 0);
  const int names = lua_gettop(lua);
  for (const char* name : kMathNames) {
    lua_getfield(lua, math, name);
    lua_setfield(lua, names, name);
  }
  lua_pushcfunction(lua, &Interpreter::Floor);
  lua_setfield(lua, names, "floor");
  lua_pushcfunction(lua, &Interpreter::Ceil);
  lua_setfield(lua, names, "ceil");
  lua_pushcfunction(lua, &Interpreter::IndexContext);
  PushReadOnly(lua, &Interpreter::RefuseAssignment);
  lua_setfield(lua, names, "context");
  lua_pushcfunction(lua, &Interpreter::IndexHeader);
  PushReadOnly(lua, &Interpreter::RefuseAssignment);
  lua_setfield(lua, names, "header");

  // What is no such name is a context key.
  lua_createtable(lua, 0, 1);
  lua_pushcfunction(lua, &Interpreter::IndexContext);
  lua_setfield(lua, -2, "__index");
  lua_setmetatable(lua, names);
  return PushReadOnly(lua, &Interpreter::RefuseAssignment);
}

int Interpreter::IndexContext(lua_State* lua) { return PushValue(lua, ""); }
int Interpreter::IndexHeader(lua_State* lua) { return PushValue(lua, kHeaderPrefix); }

int Interpreter::RefuseAssignment(lua_State* lua) {
  return luaL_error(lua, "only local variables can be assigned");
}

int Interpreter::Floor(lua_State* lua) {
  lua_pushnumber(lua, std::floor(luaL_checknumber(lua, 1)));
  return 1;
}

int Interpreter::Ceil(lua_State* lua) {
  lua_pushnumber(lua, std::ceil(luaL_checknumber(lua, 1)));
  return 1;
}

void Interpreter::Stop(lua_State* lua, lua_Debug* /*event*/) {
  luaL_error(lua, "it takes more than %d instructions", kMaxInstructions);
}

int Interpreter::PushValue(lua_State* lua, absl::string_view prefix) {
  if (lua_type(lua, 2) != LUA_TSTRING) {
    lua_pushnil(lua);
    return 1;
  }
  size_t size = 0;
  const char* key = lua_tolstring(lua, 2, &size);
  const Value value = Of(lua).Find(prefix, absl::string_view(key, size));
  if (!value.read) return luaL_error(lua, "the context cannot be read");
  const absl::optional<double> number = DecimalNumber(value.text);
  if (value.text.empty()) {
    lua_pushnil(lua);
  } else if (number.has_value()) {
    lua_pushnumber(lua, *number);
  } else {
    lua_pushlstring(lua, value.text.data(), value.text.size());
  }
  return 1;
}

// Nothing may be thrown through Lua's frames.
Interpreter::Value Interpreter::Find(absl::string_view prefix,
                                     absl::string_view key) const noexcept {
  try {
    if (prefix.empty()) return {true, (*lookup_)(key)};
    return {true, (*lookup_)(absl::StrCat(prefix, key))};
  } catch (...) {
    return {};
  }
}

// Text alone: compiled code could do anything.
absl::Status Interpreter::Load(absl::string_view before, absl::string_view source,
                               absl::string_view after) {
  const std::string chunk = absl::StrCat(before, source, after);
  const int status = luaL_loadbufferx(lua_, chunk.data(), chunk.size(), "=", "t");
  return status == LUA_OK ? absl::OkStatus() : Error(status);
}

absl::StatusOr<int64_t> Interpreter::Evaluate(ContextLookup lookup) {
  lookup_ = &lookup;
  budget_ = kMaxMemory;
  lua_sethook(lua_, &Interpreter::Stop, LUA_MASKCOUNT, kMaxInstructions);
  lua_pushvalue(lua_, kFunction);
  // A function within the expression may have assigned to _ENV itself.
  lua_pushvalue(lua_, kEnvironment);
  lua_setupvalue(lua_, -2, 1);
  const int status = lua_pcall(lua_, 0, 1, 0);
  absl::StatusOr<int64_t> cost = status == LUA_OK ? Cost() : Error(status);
  lua_settop(lua_, kFunction);
  if (live_ > live_at_first_ + kMaxGarbage) lua_gc(lua_, LUA_GCCOLLECT);
  lookup_ = nullptr;
  return cost;
}

absl::StatusOr<int64_t> Interpreter::Cost() const {
  const int type = lua_type(lua_, kResult);
  if (type != LUA_TNUMBER) {
    return absl::InvalidArgumentError(absl::StrCat("its result is ", type == LUA_TNIL ? "" : "a ",
                                                   lua_typename(lua_, type), ", not a number"));
  }
  const double cost = lua_tonumber(lua_, kResult);
  // NaN is not in any range.
  if (!(cost >= 0 && cost <= static_cast<double>(kMaxAmount))) {
    return absl::InvalidArgumentError(
        absl::StrCat("its result is ", cost, ", and not from 0 to ", kMaxAmount));
  }
  return static_cast<int64_t>(std::ceil(cost));
}

absl::Status Interpreter::Error(int status) const {
  if (status == LUA_ERRMEM) {
    return absl::InvalidArgumentError(absl::StrCat("it takes more than ", kMaxMemory / 1024,
                                                   " KiB of memory, or ", kMaxBlock / 1024,
                                                   " KiB for one string or table"));
  }
  size_t size = 0;
  const char* text = lua_tolstring(lua_, -1, &size);
  absl::string_view reason(text, size);
  // The chunk has no name, so in front of the reason there is `:1: `.
  const size_t colon = absl::StartsWith(reason, ":") ? reason.find(": ") : absl::string_view::npos;
  if (colon != absl::string_view::npos) reason.remove_prefix(colon + 2);
  return absl::InvalidArgumentError(Readable(reason));
}

}  // namespace

// The text, and the interpreters that no evaluation uses now: as many as ever ran at once.
class Expression::Program {
 public:
  Program(absl::string_view source, std::unique_ptr<Interpreter> first) : source_(source) {
    idle_.push_back(std::move(first));
  }

  const std::string& source() const { return source_; }

  absl::StatusOr<int64_t> Evaluate(ContextLookup lookup) {
    std::unique_ptr<Interpreter> interpreter = Take();
    if (interpreter == nullptr) {
      absl::StatusOr<std::unique_ptr<Interpreter>> created = Interpreter::Create(source_);
      if (!created.ok()) return Failed(source_, created.status().message());
      interpreter = *std::move(created);
    }
    const absl::StatusOr<int64_t> cost = interpreter->Evaluate(lookup);
    GiveBack(std::move(interpreter));
    if (!cost.ok()) return Failed(source_, cost.status().message());
    return *cost;
  }

 private:
  std::unique_ptr<Interpreter> Take() {
    const MutexLock lock(mutex_);
    if (idle_.empty()) return nullptr;
    std::unique_ptr<Interpreter> interpreter = std::move(idle_.back());
    idle_.pop_back();
    return interpreter;
  }

  void GiveBack(std::unique_ptr<Interpreter> interpreter) {
    const MutexLock lock(mutex_);
    idle_.push_back(std::move(interpreter));
  }

  const std::string source_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Interpreter>> idle_ ABSL_GUARDED_BY(mutex_);
};

Expression::Expression(std::shared_ptr<Program> program) : program_(std::move(program)) {}

absl::StatusOr<Expression> Expression::Compile(absl::string_view source) {
  if (source.size() > kMaxSource) {
    return Bad(absl::StrCat(source.substr(0, 32), "..."),
               absl::StrCat("it is longer than ", kMaxSource, " bytes"));
  }
  if (absl::StripAsciiWhitespace(source).empty()) return Bad(source, "it is empty");
  absl::StatusOr<std::unique_ptr<Interpreter>> interpreter = Interpreter::Create(source);
  if (!interpreter.ok()) return Bad(source, interpreter.status().message());
  return Expression(std::make_shared<Program>(source, *std::move(interpreter)));
}

absl::StatusOr<int64_t> Expression::Evaluate(ContextLookup lookup) const {
  return program_->Evaluate(lookup);
}

const std::string& Expression::source() const { return program_->source(); }

}  // namespace sluice
