# What was tried on each strategy, from ctest's log: the cases of the laws, whose two runs print their
# seeds, and the steps of the scripts. Fails when a strategy had fewer than 100,000 cases.
/^[a-z_]+: [0-9,]+ cases, / {
  name = $1
  count = $2
  gsub(",", "", count)
  cases[name] += count
  match($0, /seed=[0-9]+/)
  seeds[name] = seeds[name] " " substr($0, RSTART + 5, RLENGTH - 5)
}
/^[a-z_]+: [0-9]+ steps in Lua and natively/ { steps[$1] = $2 }
END {
  for (name in cases) {
    printf "%-25s %7d cases (seeds%s), %d steps in Lua and natively\n", name, cases[name],
      seeds[name], steps[name] | "sort"
    if (cases[name] < 100000) few = 1
    ++strategies
  }
  close("sort")
  if (few || strategies == 0) {
    print "fewer than 100,000 cases of a strategy"
    exit 1
  }
}
