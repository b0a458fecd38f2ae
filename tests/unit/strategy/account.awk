# What was tried on each strategy, from ctest's log: the cases of the laws, whose two runs print their
# seeds, the steps of the scripts, and those over a real Redis. Fails when a strategy had fewer than
# 100,000 cases, or one of Redis's answers differed.
/^[a-z_]+: [0-9,]+ cases, / {
  name = $1
  count = $2
  gsub(",", "", count)
  cases[name] += count
  match($0, /seed=[0-9]+/)
  seeds[name] = seeds[name] " " substr($0, RSTART + 5, RLENGTH - 5)
}
/^[a-z_]+: [0-9]+ steps in Lua and natively/ { steps[$1] = $2 }
/^[a-z_]+: [0-9,]+ steps, [0-9]+ differences/ {
  over_redis[$1] = $0
  if ($4 != 0) differs = 1
}
END {
  for (name in cases) {
    printf "%-25s %7d cases (seeds%s), %d steps in Lua and natively\n", name, cases[name],
      seeds[name], steps[name] | "sort"
    if (cases[name] < 100000) few = 1
    ++strategies
  }
  close("sort")
  print "\nThrough Redis, memory and the models:"
  for (name in over_redis) print over_redis[name] | "sort"
  close("sort")
  if (few || strategies == 0) {
    print "fewer than 100,000 cases of a strategy"
    exit 1
  }
  for (name in cases) if (!(name in over_redis)) differs = 1
  if (differs) {
    print "Redis answers differently, or was not asked"
    exit 1
  }
}
