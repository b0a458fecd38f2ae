-- time_of_day.1, as Redis runs it. Made by server/strategy/script.cc; do not edit.
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

local function step(r, now, cost, take, t)
  local v1 = max(now, r[1])
  local v2 = (v1 >= t.from) and (v1 < t.to)
  local v3 = (v1 < t.edge) and t.before or t.after
  local v4 = v1 - (v1 % t.period)
  local v5 = (v4 == (r[1] - (r[1] % t.period))) and r[2] or 0
  local v6 = cost <= (v3 - v5)
  local v7 = v2 and v6
  local v8 = v7 or ((t.count_denied == 1) and (cost <= v3))
  local v9 = v8 and (take == 1)
  local v10 = v9 and (v8 and (v6 and (v5 + cost) or max(v5, v3)) or v5) or v5
  return v7,
    v2 and v9,
    max((v3 - v10), 0),
    v7 and 0 or (v2 and -1 or -2),
    (v10 == 0) and 0 or ((v4 + t.period) - now),
    v1,
    v10
end

local function settle(r, now, cost, t)
  local v1 = max(now, r[1])
  local v2 = (v1 >= t.from) and (v1 < t.to)
  local v3 = v1 - (v1 % t.period)
  local v4 = t.most + t.most
  local v5 = min(((v3 == (r[1] - (r[1] % t.period))) and r[2] or 0), v4)
  local v6 = v5 + max(min(cost, (v4 - v5)), (0 - v5))
  local v7 = (v1 < t.edge) and t.before or t.after
  local v8 = v2 and ((v6 <= v7) and (cost <= t.most))
  return v8,
    v2,
    max((v7 - v6), 0),
    v8 and 0 or (v2 and -1 or -2),
    (v6 == 0) and 0 or ((v3 + t.period) - now),
    v1,
    v6
end

return {step = step, settle = settle}
