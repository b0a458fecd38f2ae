-- time_of_day.1, as Redis runs it. Made by server/strategy/script.cc; do not edit.
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

local function step(r, now, cost, take, t)
  local v1 = max(now, r[1])
  local v2 = v1 - (v1 % t.period)
  local v3 = (v2 == (r[1] - (r[1] % t.period))) and r[2] or 0
  local v4 = (v1 < t.edge) and t.before or t.after
  local v5 = (v1 >= t.from) and (v1 < t.to)
  local v6 = cost <= (v4 - v3)
  local v7 = v5 and v6
  local v8 = v7 or ((t.count_denied == 1) and (cost <= v4))
  local v9 = v8 and (take == 1)
  local v10 = v9 and (v8 and (v6 and (v3 + cost) or max(v3, v4)) or v3) or v3
  return v7,
    v5 and v9,
    max((v4 - v10), 0),
    v7 and 0 or (v5 and -1 or -2),
    (v10 == 0) and 0 or ((v2 + t.period) - now),
    v1,
    v10
end

local function settle(r, now, cost, t)
  local v1 = max(now, r[1])
  local v2 = v1 - (v1 % t.period)
  local v3 = (v1 < t.edge) and t.before or t.after
  local v4 = (v1 >= t.from) and (v1 < t.to)
  local v5 = t.most + t.most
  local v6 = min(((v2 == (r[1] - (r[1] % t.period))) and r[2] or 0), v5)
  local v7 = v6 + max(min(cost, (v5 - v6)), (0 - v6))
  local v8 = v4 and ((v7 <= v3) and (cost <= t.most))
  return v8,
    v4,
    max((v3 - v7), 0),
    v8 and 0 or (v4 and -1 or -2),
    (v7 == 0) and 0 or ((v2 + t.period) - now),
    v1,
    v7
end

return {step = step, settle = settle}
