#include "policy/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/rate.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using Context = std::map<std::string, std::string>;

absl::StatusOr<int64_t> Evaluate(const Expression& expression, const Context& context) {
  return expression.Evaluate([&](absl::string_view key) -> absl::string_view {
    const auto found = context.find(std::string(key));
    return found == context.end() ? absl::string_view() : found->second;
  });
}

absl::StatusOr<int64_t> Evaluate(absl::string_view source, const Context& context) {
  const absl::StatusOr<Expression> expression = Expression::Compile(source);
  if (!expression.ok()) return expression.status();
  return Evaluate(*expression, context);
}

// -1 for an error, which it tells.
int64_t Cost(absl::string_view source, const Context& context = {}) {
  const absl::StatusOr<int64_t> cost = Evaluate(source, context);
  EXPECT_TRUE(cost.ok()) << cost.status();
  return cost.value_or(-1);
}

// The message behind the source, of a failure at run time.
std::string Failure(absl::string_view source, const Context& context = {}) {
  const absl::StatusOr<Expression> expression = Expression::Compile(source);
  EXPECT_TRUE(expression.ok()) << expression.status();
  if (!expression.ok()) return "";
  const absl::StatusOr<int64_t> cost = Evaluate(*expression, context);
  EXPECT_EQ(cost.status().code(), absl::StatusCode::kInvalidArgument) << source;
  const std::string message(cost.status().message());
  const std::string before = absl::StrCat("expr '", source, "': ");
  EXPECT_TRUE(absl::StartsWith(message, before)) << message;
  return message.substr(std::min(before.size(), message.size()));
}

std::string CompileError(absl::string_view source) {
  const absl::StatusOr<Expression> expression = Expression::Compile(source);
  EXPECT_EQ(expression.status().code(), absl::StatusCode::kInvalidArgument) << source;
  return std::string(expression.status().message());
}

TEST(ExpressionTest, ComputesACost) {
  struct Case {
    absl::string_view source;
    Context context;
    int64_t cost;
  };
  const std::vector<Case> cases = {
      {"ceil(content_length / 1024)", {{"content_length", "4097"}}, 5},
      {"ceil(content_length / 1024)", {{"content_length", "0"}}, 0},
      {"7", {}, 7},
      {" 7 -- seven", {}, 7},
      {"--[[ seven ]] 7", {}, 7},
      {"(1) + (2)", {}, 3},
      {"a + b * 2", {{"a", "1"}, {"b", "3"}}, 7},
      {"a // b", {{"a", "7"}, {"b", "2"}}, 3},
      {"2 ^ 10", {}, 1024},
      {"content_length >> 10", {{"content_length", "4096"}}, 4},
      {"method == 'POST' and 3 or 1", {{"method", "POST"}}, 3},
      {"method == 'POST' and 3 or 1", {{"method", "GET"}}, 1},
      {"({GET = 1, POST = 3})[method] or 10", {{"method", "POST"}}, 3},
      {"({GET = 1, POST = 3})[method] or 10", {{"method", "DELETE"}}, 10},
      {"({[10] = 1})[n]", {{"n", "10"}}, 1},
      {"min(max(n, 1), 100)", {{"n", "1000"}}, 100},
      {"max(1, floor(n))", {{"n", "-3.5"}}, 1},
      {"#path", {{"path", "/v1/hits"}}, 8},
      {"(n or 5)", {}, 5},
      {"n or 5", {{"n", ""}}, 5},
      {"header['content-length']", {{"header.content-length", "12"}}, 12},
      {"header.host and 1 or 2", {{"header.host", "a"}}, 1},
      {"context['any key']", {{"any key", "3"}}, 3},
      {"context['header.n']", {{"header.n", "3"}}, 3},
      {"context.n", {{"n", "3"}}, 3},
      {"context[1] or header[1] or context[2.5] or 4", {{"1", "3"}}, 4},
      {"sqrt(abs(n))", {{"n", "-16"}}, 4},
      {"floor(pi)", {}, 3},
      {"n < huge and 1 or 2", {{"n", "1"}}, 1},
      {"(function() for i = 1, 10 do if i * i > n then return i end end end)()", {{"n", "20"}}, 5},
      {"(function(...) return select and 1 or ... end)(9, 8)", {}, 9},
  };
  for (const Case& c : cases) EXPECT_EQ(Cost(c.source, c.context), c.cost) << c.source;
}

TEST(ExpressionTest, RoundsUp) {
  EXPECT_EQ(Cost("0.0001"), 1);
  EXPECT_EQ(Cost("content_length / 1024", {{"content_length", "1025"}}), 2);
  EXPECT_EQ(Cost("3.0"), 3);
  EXPECT_EQ(Cost("-0.0"), 0);
}

TEST(ExpressionTest, DecimalNumbersAreNumbersAndNothingElseIs) {
  for (absl::string_view number :
       {"0", "12", "-12", "007", "1.5", "-0.25", "18446744073709551616", "0.000"}) {
    EXPECT_EQ(Cost("v + 0 == v and 1", {{"v", std::string(number)}}), 1) << number;
  }
  EXPECT_EQ(Cost("v == 7 and 1", {{"v", "007"}}), 1);
  EXPECT_EQ(Cost("v > 1e63 and v < 1e64 and 1", {{"v", std::string(64, '3')}}), 1);
  EXPECT_EQ(Cost("#v", {{"v", std::string(65, '3')}}), 65);
  for (absl::string_view text : {"+1", "1e3", "0x10", ".5", "5.", "1.2.3", "-", "--1", " 1", "1 ",
                                 "inf", "nan", "1_000", "GET", "\xff", "1\n"}) {
    const Context context = {{"v", std::string(text)}};
    EXPECT_EQ(Cost("v .. '' == v and 1", context), 1) << text;
  }
  EXPECT_EQ(Cost("#v", {{"v", std::string("a\0b", 3)}}), 3);
}

TEST(ExpressionTest, AFunctionOfMathIsNotHiddenByAKey) {
  const Context context = {{"ceil", "1"}, {"header", "2"}, {"context", "3"}, {"n", "0.5"}};
  EXPECT_EQ(Cost("ceil(n)", context), 1);
  EXPECT_EQ(Cost("context['ceil'] + context.header + context.context", context), 6);
}

TEST(ExpressionTest, NumbersOfTheContextDoNotWrapAround) {
  EXPECT_THAT(Failure("n * 4", {{"n", "4611686018427387904"}}),
              HasSubstr("its result is 1.84467e+19"));
  EXPECT_THAT(Failure("ceil(n / 1024) * 10", {{"n", "1888946593147858085478.4"}}),
              HasSubstr("its result is 1.84467e+19"));
  EXPECT_THAT(Failure("floor(n) * 16", {{"n", "1152921504606846976"}}),
              HasSubstr("its result is 1.84467e+19"));
}

TEST(ExpressionTest, KeepsItsSource) {
  EXPECT_EQ(Expression::Compile(" n + 1 -- one more")->source(), " n + 1 -- one more");
}

TEST(ExpressionTest, ACopyIsTheSame) {
  Expression copy = *Expression::Compile("1");
  {
    const Expression original = *Expression::Compile("n + 1");
    copy = original;
  }
  EXPECT_EQ(*Evaluate(copy, {{"n", "1"}}), 2);
  EXPECT_EQ(copy.source(), "n + 1");
}

TEST(ExpressionTest, TellsWhatIsWrongInASource) {
  EXPECT_EQ(CompileError(""), "expr '': it is empty (for example ceil(content_length / 1024))");
  EXPECT_EQ(CompileError("1 +"),
            "expr '1 +': unexpected symbol near <eof> (for example ceil(content_length / 1024))");
  EXPECT_THAT(CompileError("a b"), HasSubstr("': <eof> expected near 'b' ("));
  EXPECT_THAT(CompileError("ceil(1"), HasSubstr("': ')' expected near <eof> ("));
  EXPECT_THAT(CompileError("a, b"), HasSubstr("it is not one expression: ')' expected near ','"));
  EXPECT_THAT(CompileError("'a"), HasSubstr("': unfinished string near <eof> ("));
  EXPECT_THAT(CompileError("'\\q\xc3\xa9'"), HasSubstr("invalid escape sequence"));
  EXPECT_THAT(CompileError("1 +\n+"), HasSubstr("expr '1 + +': unexpected symbol near '+' ("));
  EXPECT_THAT(CompileError("a\xff"), HasSubstr("expr 'a?': "));
  EXPECT_THAT(CompileError(std::string(1025, '1')),
              HasSubstr("...': it is longer than 1024 bytes"));
  EXPECT_EQ(Cost(std::string(1023, ' ') + "1"), 1);
}

TEST(ExpressionTest, IsExactlyOneExpression) {
  for (absl::string_view source : {" \n",
                                   "-- nothing",
                                   "--[[ nothing ]]",
                                   "1;",
                                   "1; os.exit()",
                                   "1 return 2",
                                   "return 1",
                                   "1 end do",
                                   "1) + (2",
                                   "1) or (function() end)(",
                                   ")(",
                                   "1) --[[",
                                   "1 --[[",
                                   "1 --[==[ ]]",
                                   "1 ]]",
                                   "1, 2",
                                   "1; --",
                                   "1) -- ",
                                   "1\n) -- (",
                                   "x = 1",
                                   "local x = 1",
                                   "do end",
                                   "goto a",
                                   "::a::",
                                   "1 end",
                                   "end",
                                   "break",
                                   "[[",
                                   "'",
                                   "1 goto a",
                                   "if true then end"}) {
    CompileError(source);
  }
  // Of the chunk's arguments, of which there are none.
  EXPECT_THAT(Failure("..."), HasSubstr("its result is nil, not a number"));
}

TEST(ExpressionTest, CompiledCodeIsNoSource) {
  CompileError(absl::string_view("\x1bLua\x54\x00\x19\x93\r\n\x1a\n", 12));
}

TEST(ExpressionTest, TellsWhyThereIsNoCost) {
  EXPECT_EQ(Failure("nil"), "its result is nil, not a number");
  EXPECT_EQ(Failure("n"), "its result is nil, not a number");
  EXPECT_EQ(Failure("1 == 1"), "its result is a boolean, not a number");
  EXPECT_EQ(Failure("'12'"), "its result is a string, not a number");
  EXPECT_EQ(Failure("path", {{"path", "/"}}), "its result is a string, not a number");
  EXPECT_EQ(Failure("{}"), "its result is a table, not a number");
  EXPECT_EQ(Failure("ceil"), "its result is a function, not a number");
  EXPECT_EQ(Failure("-1"), "its result is -1, and not from 0 to 4503599627370496");
  EXPECT_EQ(Failure("-0.5"), "its result is -0.5, and not from 0 to 4503599627370496");
  EXPECT_EQ(Failure("1 / 0"), "its result is inf, and not from 0 to 4503599627370496");
  EXPECT_THAT(Failure("0 / 0"), HasSubstr("nan, and not from 0"));
  EXPECT_EQ(Failure("ceil(content_length / 1024)"),
            "attempt to perform arithmetic on a nil value (global 'content_length')");
  EXPECT_EQ(Failure("n + 1", {{"n", "one"}}),
            "attempt to perform arithmetic on a string value (global 'n')");
  EXPECT_EQ(Failure("n < 1"), "attempt to compare nil with number");
  EXPECT_EQ(Failure("1 // 0"), "attempt to divide by zero");
  EXPECT_EQ(Failure("ceil(n)"), "bad argument #1 to 'ceil' (number expected, got nil)");
  EXPECT_EQ(Failure("nobody(1)"), "attempt to call a nil value (global 'nobody')");
}

TEST(ExpressionTest, TheLargestCostIsTheLargestAmount) {
  EXPECT_EQ(Cost("2 ^ 52"), kMaxAmount);
  EXPECT_EQ(Cost("1 << 52"), kMaxAmount);
  EXPECT_THAT(Failure("(1 << 52) + 1"), HasSubstr("and not from 0"));
  EXPECT_THAT(Failure("1 << 62"), HasSubstr("and not from 0"));
}

TEST(ExpressionSandboxTest, HasNothingButMath) {
  for (const char* name :
       {"load",         "loadstring",   "loadfile", "dofile",   "require",        "print",
        "pcall",        "xpcall",       "error",    "assert",   "select",         "next",
        "pairs",        "ipairs",       "rawget",   "rawset",   "rawequal",       "rawlen",
        "getmetatable", "setmetatable", "tostring", "tonumber", "collectgarbage", "warn",
        "string",       "table",        "os",       "io",       "debug",          "coroutine",
        "package",      "utf8",         "math",     "_G",       "_VERSION",       "random",
        "randomseed",   "tointeger",    "type",     "ult",      "maxinteger",     "mininteger"}) {
    EXPECT_EQ(Cost(absl::StrCat(name, " == nil and 1")), 1) << name;
  }
}

TEST(ExpressionSandboxTest, StringsHaveNoMethods) {
  EXPECT_THAT(Failure("('x'):rep(1000)"), HasSubstr("attempt to index a string value"));
  EXPECT_THAT(Failure("('x').len"), HasSubstr("attempt to index a string value"));
  EXPECT_THAT(Failure("'1' + 1"), HasSubstr("attempt to perform arithmetic on a string value"));
}

TEST(ExpressionSandboxTest, NothingCanBeAssigned) {
  for (const char* assignment :
       {"x = 1", "ceil = nil", "context = 1", "context.x = 1", "header.x = 1", "_ENV.x = 1",
        "context[1] = 1", "_ENV.ceil = 1", "function x() end", "_ENV[{}] = 1"}) {
    EXPECT_EQ(Failure(absl::StrCat("(function() ", assignment, " return 1 end)()")),
              "only local variables can be assigned");
  }
  EXPECT_THAT(Failure("(function() ceil.x = 1 end)()"), HasSubstr("attempt to index a function"));
  EXPECT_EQ(Cost("(function() local x = 1; x = x + 1; return x end)()"), 2);
}

TEST(ExpressionSandboxTest, AnEvaluationLeavesNothingBehind) {
  const Expression expression = *Expression::Compile(
      "(function() local c = ceil; if hide then _ENV = {n = 99, c = 1} end return c(n) end)()");
  EXPECT_EQ(*Evaluate(expression, {{"n", "1"}, {"hide", "yes"}}), 99);
  EXPECT_EQ(*Evaluate(expression, {{"n", "2"}}), 2);
  EXPECT_EQ(*Evaluate(expression, {{"n", "3"}}), 3);
}

TEST(ExpressionSandboxTest, ALookupMayThrow) {
  const Expression expression = *Expression::Compile("n");
  const absl::StatusOr<int64_t> cost = expression.Evaluate(
      [](absl::string_view) -> absl::string_view { throw std::runtime_error("no context"); });
  EXPECT_THAT(std::string(cost.status().message()), HasSubstr("the context cannot be read"));
  EXPECT_EQ(*Evaluate(expression, {{"n", "4"}}), 4);
}

struct Attack {
  absl::string_view source;  // runs when `attack` is in the context
  absl::string_view why;
};

// Each is to end soon: what it may take is bounded by counting, so no clock is needed to tell.
std::vector<Attack> Attacks() {
  constexpr absl::string_view kInstructions = "it takes more than 10000 instructions";
  constexpr absl::string_view kMemory = "it takes more than 64 KiB of memory";
  return {
      {"while true do end", kInstructions},
      {"repeat until false", kInstructions},
      {"::a:: goto a", kInstructions},
      {"for i = 1, huge do end", kInstructions},
      {"for i = 1, 1 << 62 do end", kInstructions},
      {"local function f() return f() end f()", kInstructions},
      {"local function f() return 1 + f() end f()", kMemory},
      {"local function f(...) return f(1, ...) end f()", kMemory},
      {"local s = 'x' while true do s = s .. s end", kMemory},
      {"local s = attack while true do s = s .. s end", kMemory},
      {"local s = '' while true do s = s .. 'x' end", kMemory},
      {"local t = {} while true do t = {t} end", kMemory},
      {"local t = {} for i = 1, huge do t[i] = i end", kMemory},
      {"local t = {} for i = 1, huge do t['a' .. i] = i end", kMemory},
      {"while true do local f = function() return f end end", kMemory},
      {"local s = attack while true do local b = s .. s < s .. 'x' end", kMemory},
      {"while true do local b = attack end", kMemory},
      {"while true do local b = max(1, 2, 3, 4, 5, 6, 7, 8) end", kInstructions},
      {"local x <close> = ceil", "variable 'x' got a non-closable value"},
      {"local function f() end f{f{f{f{1}}}} f.x = 1", "attempt to index a function value"},
  };
}

TEST(ExpressionBoundsTest, AnAttackEndsAndTheNextEvaluationIsRight) {
  for (const Attack& attack : Attacks()) {
    const Expression expression = *Expression::Compile(
        absl::StrCat("(function() if not attack then return n end ", attack.source, " end)()"));
    for (int i = 0; i < 20; ++i) {
      const absl::StatusOr<int64_t> cost =
          Evaluate(expression, {{"attack", std::string(900, '\xff')}});
      ASSERT_THAT(std::string(cost.status().message()), HasSubstr(std::string(attack.why)))
          << attack.source;
      ASSERT_EQ(*Evaluate(expression, {{"n", "17"}}), 17) << attack.source;
    }
  }
}

TEST(ExpressionBoundsTest, NestingIsBoundedInASource) {
  const auto times = [](int n, absl::string_view text) {
    std::string repeated;
    for (int i = 0; i < n; ++i) absl::StrAppend(&repeated, text);
    return repeated;
  };
  EXPECT_EQ(Cost(times(100, "(") + "1" + times(100, ")")), 1);
  EXPECT_THAT(CompileError(times(400, "(") + "1" + times(400, ")")), HasSubstr("overflow"));
  EXPECT_THAT(CompileError(times(1000, "(")), HasSubstr("overflow"));
  EXPECT_THAT(CompileError(times(1000, "{")), HasSubstr("overflow"));
  EXPECT_THAT(CompileError(times(1000, "~") + "1"), HasSubstr("overflow"));
  EXPECT_THAT(CompileError(times(50, "function() return ")), HasSubstr("<eof>"));
  EXPECT_EQ(Cost(times(511, "1+") + "1"), 512);
  EXPECT_EQ(Cost("#{" + times(500, "1,") + "}"), 500);
}

TEST(ExpressionBoundsTest, AValueOfTheContextIsBounded) {
  EXPECT_EQ(Cost("#v", {{"v", std::string(8'000, 'x')}}), 8'000);
  EXPECT_THAT(Failure("#v", {{"v", std::string(9'000, 'x')}}), HasSubstr("of memory"));
}

// Under a sanitizer, which has a malloc of its own, it only tells that the results are right.
TEST(ExpressionBoundsTest, WhatIsLeftBehindIsCollected) {
  const Expression expression = *Expression::Compile("#(a .. a .. a) + #{a, a, a}");
  const size_t before = mallinfo2().uordblks;
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_EQ(*Evaluate(expression, {{"a", absl::StrCat("text ", i % 10)}}), 21);
  }
  EXPECT_LT(mallinfo2().uordblks, before + (size_t{128} << 10));
}

TEST(ExpressionThreadsTest, EvaluateOneExpressionAtOnce) {
  const Expression expression = *Expression::Compile(
      "(function() if attack then while true do end end return ceil(n / 2) end)()");
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        if (i % 50 == 0) wrong[t] += Evaluate(expression, {{"attack", "yes"}}).ok() ? 1 : 0;
        const int64_t n = static_cast<int64_t>(t) * 1000 + i;
        const absl::StatusOr<int64_t> cost = Evaluate(expression, {{"n", absl::StrCat(n)}});
        wrong[t] += cost.ok() && *cost == (n + 1) / 2 ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int each : wrong) EXPECT_EQ(each, 0);
}

// What compiles can be evaluated, and ends, whatever it is.
void ExpectCostOrReason(const std::string& source) {
  const absl::StatusOr<Expression> expression = Expression::Compile(source);
  if (!expression.ok()) {
    RC_ASSERT(expression.status().code() == absl::StatusCode::kInvalidArgument);
    RC_ASSERT(!absl::StrContains(expression.status().message(), '\n'));
    return;
  }
  const absl::StatusOr<int64_t> cost =
      Evaluate(*expression, {{"a", "1"}, {"b", "text"}, {"n", "1.5"}});
  if (cost.ok()) {
    RC_ASSERT(*cost >= 0);
    RC_ASSERT(*cost <= kMaxAmount);
  } else {
    RC_ASSERT(cost.status().code() == absl::StatusCode::kInvalidArgument);
  }
}

RC_GTEST_PROP(ExpressionPropertyTest, AnyBytes, ()) {
  ExpectCostOrReason(*rc::gen::container<std::string>(rc::gen::arbitrary<char>()));
}

RC_GTEST_PROP(ExpressionPropertyTest, AnyWordsOfLua, ()) {
  static const auto& words = *new std::vector<std::string>{
      "a",      "b",        "n",       "c",      "1",     "2.5",  "0x1p4", "'x'",
      "[[y]]",  "nil",      "true",    "+",      "-",     "*",    "/",     "//",
      "%",      "^",        "..",      "==",     "~=",    "<",    "<=",    "and",
      "or",     "not",      "#",       "~",      "&",     "|",    "<<",    "(",
      ")",      "{",        "}",       "[",      "]",     ",",    ";",     ".",
      ":",      "=",        "...",     "--",     "\n",    "if",   "end",   "then",
      "return", "function", "for",     "do",     "while", "in",   "local", "max",
      "min",    "ceil(",    "context", "header", "_ENV",  "goto", "::",    "(function() ",
      " end)()"};
  std::string source;
  for (const std::string& word :
       *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(words))) {
    absl::StrAppend(&source, word, " ");
  }
  ExpectCostOrReason(source);
}

// A number of the context, in whatever expression over it, gives a cost or a reason.
RC_GTEST_PROP(ExpressionPropertyTest, AnyValue, ()) {
  static const Expression& expression = *new Expression(
      *Expression::Compile("(v == nil and 1) or (v .. '' == v and #v) or max(0, min(v, 1000))"));
  const std::string value = *rc::gen::oneOf(
      rc::gen::container<std::string>(rc::gen::arbitrary<char>()),
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789.-"))));
  const absl::StatusOr<int64_t> cost = Evaluate(expression, {{"v", value}});
  RC_ASSERT(cost.ok());
  RC_ASSERT(*cost <= 1000);
}

}  // namespace
}  // namespace sluice
