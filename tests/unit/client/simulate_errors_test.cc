// Every way to ask wrongly: one line that names what is wrong and what would be right.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "strategy/limit.h"
#include "tests/unit/client/simulation_fixture.h"

namespace sluice::cli {
namespace {

struct Wrong {
  std::vector<std::string> arguments;
  std::string trace;
  std::string line;  // behind the name of the command; {NAMES} are those of the strategies
};

const std::vector<Wrong>& Wrongs() {
  static const auto& wrongs = *new std::vector<Wrong>{
      {{"--strategy", "gcra", "--rate", "10/s", "--backend", "http://127.0.0.1:6379"},
       "t_us\n0\n",
       "--backend: an address is host:port, unix:/path, redis://host:port or rediss://host:port"},
      {{"--strategy", "gcra", "--rate", "10/s", "--backend", "redis://127.0.0.1:6379/x"},
       "t_us\n0\n",
       "--backend: behind the host stands the database, a number from 0 to 65535 (for example "
       "redis://127.0.0.1:6379/2)"},
      {{"--strategy", "gcra", "--rate", "10/s", "--backend", "redis://bob@127.0.0.1"},
       "t_us\n0\n",
       "--backend: the user has no password (give both as redis://user:password@host, the user may "
       "be empty)"},
      // Nobody listens there.
      {{"--strategy", "gcra", "--rate", "10/s", "--backend", "redis://:secret@127.0.0.1:1"},
       "t_us\n0\n",
       "--backend: cannot connect to 127.0.0.1:1: Connection refused"},
      // What is wrong with the limit is told before anybody is asked.
      {{"--strategy", "gcra", "--rate", "10", "--backend", "redis://127.0.0.1:1"},
       "t_us\n0\n",
       "--rate: rate '10': a '/' or ' per ' stands after the limit (for example 100/min, 2 per "
       "second, 10/30s or unlimited)"},
      {{"--strategy", "gcra", "--rate", "10/s", "--trace", "/"}, "", "--trace: /: Is a directory"},
      {{"--strategy", "gcra", "--rate", "10"},
       "t_us\n0\n",
       "--rate: rate '10': a '/' or ' per ' stands after the limit (for example 100/min, 2 per "
       "second, 10/30s or unlimited)"},
      {{"--strategy", "gcra", "--rate", "ten/s"},
       "t_us\n0\n",
       "--rate: rate 'ten/s': it starts with a whole number (for example 100/min, 2 per second, "
       "10/30s or unlimited)"},
      {{"--strategy", "gcra", "--rate", "10/fortnight"},
       "t_us\n0\n",
       "--rate: rate '10/fortnight': unknown unit 'fortnight': use ms, s, min, h, d or w (for "
       "example 100/min, 2 per second, 10/30s or unlimited)"},
      {{"--strategy", "gcra", "--rate", "10/0s"},
       "t_us\n0\n",
       "--rate: rate '10/0s': the period must be above 0 (for example 100/min, 2 per second, "
       "10/30s or unlimited)"},
      {{"--strategy", "gcra", "--rate", "-1/s"},
       "t_us\n0\n",
       "--rate: rate '-1/s': it starts with a whole number (for example 100/min, 2 per second, "
       "10/30s or unlimited)"},
      {{"--strategy", "gcra", "--rate", "1.5/s"},
       "t_us\n0\n",
       "--rate: rate '1.5/s': a '/' or ' per ' stands after the limit (for example 100/min, 2 per "
       "second, 10/30s or unlimited)"},
      {{"--strategy", "gcra", "--rate", ""},
       "t_us\n0\n",
       "--rate: rate '': it starts with a whole number (for example 100/min, 2 per second, 10/30s "
       "or unlimited)"},
      {{"--strategy", "gcra", "--rate", "9999999999999999/s"},
       "t_us\n0\n",
       "--rate: rate '9999999999999999/s': the limit must be below 2^52 (for example 100/min, 2 "
       "per second, 10/30s or unlimited)"},
      {{"--strategy", "gcra", "--rate", "1/9999999w"},
       "t_us\n0\n",
       "--rate: rate '1/9999999w': the period is too long (for example 100/min, 2 per second, "
       "10/30s or unlimited)"},
      {{"--strategy", "gcra", "--rate", "1000000/365d", "--param", "burst=1000000000"},
       "t_us\n0\n",
       "--rate: gcra: the burst times the period of 1000000/365d is too large to count exactly "
       "(use a smaller burst or a shorter period)"},
      {{"--strategy", "gcra", "--rate", "1/s\n2"},
       "t_us\n0\n",
       "--rate: rate '1/s%0A2': unknown unit 's%0A2': use ms, s, min, h, d or w (for example "
       "100/min, 2 per second, 10/30s or unlimited)"},
      {{"--strategy", "grca", "--rate", "10/s"},
       "t_us\n0\n",
       "--strategy: unknown strategy 'grca' (did you mean 'gcra'?)"},
      {{"--strategy", "best", "--rate", "10/s"},
       "t_us\n0\n",
       "--strategy: unknown strategy 'best' (use one of {NAMES})"},
      {{"--strategy", "", "--rate", "10/s"},
       "t_us\n0\n",
       "--strategy: unknown strategy '' (use one of {NAMES})"},
      {{"--strategy", "gcra", "--strategy", "gcra", "--rate", "10/s"},
       "t_us\n0\n",
       "--strategy: 'gcra' is here twice (give it once)"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst"},
       "t_us\n0\n",
       "--param: 'burst' is not k=v or STRATEGY:k=v"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "=5"},
       "t_us\n0\n",
       "--param: '=5' is not k=v or STRATEGY:k=v"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", ":burst=5"},
       "t_us\n0\n",
       "--param: ':burst=5' is not k=v or STRATEGY:k=v"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "gcra:=5"},
       "t_us\n0\n",
       "--param: 'gcra:=5' is not k=v or STRATEGY:k=v"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "fixed_window:burst=5"},
       "t_us\n0\n",
       "--param: 'fixed_window:burst=5' is for 'fixed_window', which is not among the strategies "
       "(gcra)"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "brust=5"},
       "t_us\n0\n",
       "--param: gcra: brust: unknown parameter (did you mean 'burst'?)"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "gcra:brust=5"},
       "t_us\n0\n",
       "--param: gcra: brust: unknown parameter (did you mean 'burst'?)"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst_size=5"},
       "t_us\n0\n",
       "--param: gcra: burst_size: unknown parameter (it has burst, burst_tolerance, oversize)"},
      {{"--strategy", "fixed_window", "--strategy", "gcra", "--rate", "10/s", "--param", "brust=5"},
       "t_us\n0\n",
       "--param: fixed_window: brust: unknown parameter (it has count_denied); gcra: brust: "
       "unknown parameter (did you mean 'burst'?)"},
      {{"--strategy", "fixed_window", "--strategy", "gcra", "--rate", "10/s", "--param",
        "fixed_window:burst=5"},
       "t_us\n0\n",
       "--param: fixed_window: burst: unknown parameter (it has count_denied)"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst="},
       "t_us\n0\n",
       "--param: gcra: burst: '' is not a whole number from 1 to 2^52 - 1"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst=0"},
       "t_us\n0\n",
       "--param: gcra: burst: '0' is not a whole number from 1 to 2^52 - 1"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst=ten"},
       "t_us\n0\n",
       "--param: gcra: burst: 'ten' is not a whole number from 1 to 2^52 - 1"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst=-1"},
       "t_us\n0\n",
       "--param: gcra: burst: '-1' is not a whole number from 1 to 2^52 - 1"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst=1.5"},
       "t_us\n0\n",
       "--param: gcra: burst: '1.5' is not a whole number from 1 to 2^52 - 1"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst=[1, 2]"},
       "t_us\n0\n",
       "--param: gcra: burst: a list (give one value)"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst={a: 1}"},
       "t_us\n0\n",
       "--param: gcra: burst: a map (give one value)"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst=[1"},
       "t_us\n0\n",
       "--param: burst: end of sequence flow not found (write it as YAML, such as 5, 250ms, [a, b] "
       "or {a: 1})"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst=a: b"},
       "t_us\n0\n",
       "--param: burst: illegal map value (write it as YAML, such as 5, 250ms, [a, b] or {a: 1})"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst=1\nother: 2"},
       "t_us\n0\n",
       "--param: burst: it goes on behind its value (write one value)"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst=${BURST}"},
       "t_us\n0\n",
       "--param: burst: 'value': the environment variable 'BURST' is not set (set it, or give a "
       "default: ${BURST:-value})"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst=\377"},
       "t_us\n0\n",
       "--param: burst: the byte 0xff is not text (a configuration is UTF-8 text without control "
       "characters)"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst_tolerance=250"},
       "t_us\n0\n",
       "--param: gcra: burst_tolerance: duration '250': the unit is missing: ms, s, min, h, d or w "
       "(for example 250ms, 2s or 1h)"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst_tolerance=1 fortnight"},
       "t_us\n0\n",
       "--param: gcra: burst_tolerance: duration '1 fortnight': unknown unit 'fortnight': use ms, "
       "s, min, h, d or w (for example 250ms, 2s or 1h)"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "oversize=maybe"},
       "t_us\n0\n",
       "--param: gcra: oversize: 'maybe' is not one of deny, pay_later"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst=2", "--param",
        "burst_tolerance=1s"},
       "t_us\n0\n",
       "--param: gcra: burst_tolerance: burst says the same in hits (give one of the two)"},
      {{"--strategy", "gcra", "--rate", "10/s", "--param", "burst=2", "--param", "burst=3"},
       "t_us\n0\n",
       "--param: 'burst=3' gives burst a second time (give it once)"},
      {{"--strategy", "tiered_rate", "--rate", "10/s"},
       "t_us\n0\n",
       "--param: tiered_rate: tiers: is missing (for example {free: 0.5, pro: 5}); tiered_rate: "
       "default_tier: is missing (name the tier of callers without one)"},
      {{"--strategy", "tiered_rate", "--rate", "10/s", "--param", "tiers={\042a\042: 1"},
       "t_us\n0\n",
       "--param: tiers: end of map flow not found (write it as YAML, such as 5, 250ms, [a, b] or "
       "{a: 1})"},
      {{"--strategy", "tiered_rate", "--rate", "10/s", "--param", "tiers={\042a\042: 1}", "--param",
        "default_tier=b"},
       "t_us\n0\n",
       "--param: tiered_rate: default_tier: 'b' is no tier (name one of tiers)"},
      {{"--strategy", "tiered_rate", "--rate", "10/s", "--param", "tiers=[1]", "--param",
        "default_tier=b"},
       "t_us\n0\n",
       "--param: tiered_rate: tiers: a list is no map of 1 to 256 tiers (for example {free: 0.5, "
       "pro: 5})"},
      {{"--strategy", "time_of_day", "--rate", "10/s", "--param",
        "windows=[{\042from\042: 8, \042to\042: 20, \042multiplier\042: 2}]"},
       "t_us\n0\n",
       "--param: time_of_day: windows: hour 0 stands in none of them (cover all 24 hours)"},
      {{"--strategy", "token_bucket_with_debt", "--rate", "10/s"},
       "t_us\n0\n",
       "--param: token_bucket_with_debt: max_debt: is missing (how far below zero the tokens may "
       "go, in hits)"},
      {{"--strategy", "quota_with_rollover", "--rate", "10/s", "--param",
        "rollover_percentage=1.5"},
       "t_us\n0\n",
       "--param: quota_with_rollover: rollover_percentage: '1.5' is not a decimal from 0 to 1 with "
       "at most 6 digits after the point"},
      {{"--strategy", "sliding_window_log", "--strategy", "fixed_window", "--rate", "10/s",
        "--param", "sliding_window_log:count_denied=true", "--param",
        "sliding_window_log:count_denied=false"},
       "t_us\n0\n",
       "--param: 'sliding_window_log:count_denied=false' gives count_denied a second time (give it "
       "once)"},
      {{"--strategy", "fixed_window", "--strategy", "gcra", "--rate", "10/s", "--param", "burst=2",
        "--param", "gcra:burst=3"},
       "t_us\n0\n",
       "--param: 'gcra:burst=3' gives burst a second time (give it once)"},
      {{"--strategy", "fixed_window", "--rate", "10/s", "--param", "count_denied=maybe"},
       "t_us\n0\n",
       "--param: fixed_window: count_denied: 'maybe' is not one of true, false"},
      {{"--strategy", "gcra", "--rate", "unlimited", "--param", "burst=0"},
       "t_us\n0\n",
       "--param: gcra: burst: '0' is not a whole number from 1 to 2^52 - 1"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "",
       "stdin:1: t_us: there is no header (a trace begins with the names of its columns)"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "\n\n",
       "stdin:3: t_us: there is no header (a trace begins with the names of its columns)"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "time\n0\n",
       "stdin:1: t_us: there is no such column (the first line names the columns, and this one "
       "tells the time in microseconds)"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "T_us\n0\n",
       "stdin:1: T_us: names are in lower case (write 't_us')"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us, cost\n0,1\n",
       "stdin:1: ' cost': blanks around a name belong to it (write 'cost')"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,Cost\n0,1\n",
       "stdin:1: Cost: names are in lower case (write 'cost')"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,,key\n0,1,a\n",
       "stdin:1: column 2: it has no name (name every column)"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,tier,tier\n0,a,b\n",
       "stdin:1: tier: the column is here twice (keep one)"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "0\n1\n",
       "stdin:1: t_us: there is no such column (the first line names the columns, and this one "
       "tells the time in microseconds)"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us;cost\n0;1\n",
       "stdin:1: t_us: there is no such column (the first line names the columns, and this one "
       "tells the time in microseconds)"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us\n\n-1\n",
       "stdin:3: t_us: '-1' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us\n+1\n",
       "stdin:2: t_us: '+1' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us\n1.5\n",
       "stdin:2: t_us: '1.5' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us\n1e6\n",
       "stdin:2: t_us: '1e6' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us\n 1\n",
       "stdin:2: t_us: ' 1' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us\n4503599627370496\n",
       "stdin:2: t_us: '4503599627370496' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us\n99999999999999999999999\n",
       "stdin:2: t_us: '99999999999999999999999' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,key\n,a\n",
       "stdin:2: t_us: '' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us\r\n0\r\nx\r\n",
       "stdin:3: t_us: 'x' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us\n\"0x\"\n",
       "stdin:2: t_us: '0x' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us\nnow\033[31m\n",
       "stdin:2: t_us: 'now%1B[31m' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,cost\n0,1\n0,-1\n",
       "stdin:3: cost: '-1' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,cost\n0,0.5\n",
       "stdin:2: cost: '0.5' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,cost\n0,many\n",
       "stdin:2: cost: 'many' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,cost\n0,4503599627370496\n",
       "stdin:2: cost: '4503599627370496' is not a whole number from 0 to 4503599627370495"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,op\n0,take\n",
       "stdin:2: op: 'take' is not one of hit, check, stat"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,op\n0,HIT\n",
       "stdin:2: op: 'HIT' is not one of hit, check, stat"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,cost,key\n0,1\n",
       "stdin:2: key: the row ends before it, with 2 of 3 cells (one a column)"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,cost,key\n0\n",
       "stdin:2: cost: the row ends before it, with 1 of 3 cells (one a column)"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,cost\n0,1,2\n",
       "stdin:2: cost: the row goes on behind it, with 3 cells for 2 columns"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,key\n0,a\"b\n",
       "stdin:2: key: a quote stands inside a cell without quotes (put the whole cell in quotes)"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,key\n0,\"a\"b\n",
       "stdin:2: key: a quoted cell goes on behind its closing quote (write a quote inside as "
       "\"\")"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,key\n0,a\n1,\"b\n2,c\n",
       "stdin:3: key: a quote is left open (close it with \")"},
      {{"--strategy", "gcra", "--rate", "10/s"},
       "t_us,key\n0,\"two\nlines\"\nx,b\n",
       "stdin:4: t_us: 'x' is not a whole number from 0 to 4503599627370495"},
  };
  return wrongs;
}

class SimulateErrorsTest : public ::testing::TestWithParam<Wrong> {};

TEST_P(SimulateErrorsTest, OneLineNamesIt) {
  const Outcome outcome = SimulateText(GetParam().arguments, GetParam().trace);
  const std::string names = absl::StrJoin(StrategyNames(), ", ");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err,
            absl::StrCat("sluicectl simulate: ",
                         absl::StrReplaceAll(GetParam().line, {{"{NAMES}", names}}), "\n"));
}

INSTANTIATE_TEST_SUITE_P(Simulate, SimulateErrorsTest, ::testing::ValuesIn(Wrongs()));

TEST(SimulateUsageTest, WhatIsMissingOrUnknownIsUsage) {
  EXPECT_EQ(SimulateText({"--rate", "1/s"}, "").err,
            "sluicectl simulate: --strategy is required\nTry 'sluicectl simulate --help'.\n");
  EXPECT_EQ(SimulateText({"--strategy", "gcra"}, "").err,
            "sluicectl simulate: --rate is required\nTry 'sluicectl simulate --help'.\n");
  const Outcome unknown = SimulateText({"--strategy", "gcra", "--rate", "1/s", "--speed", "2"}, "");
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, testing::HasSubstr("--speed"));
}

}  // namespace
}  // namespace sluice::cli
