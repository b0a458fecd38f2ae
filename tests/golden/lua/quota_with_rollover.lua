-- quota_with_rollover.1, as Redis runs it. Made by server/strategy/script.cc; do not edit.
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

local function step(r, now, cost, take, t)
  local v1 = max((now - (now % t.period)), r[1])
  local v2 = v1 == r[1]
  local v3 = v2 and r[3] or ((v1 == (r[1] + t.period)) and r[2] or 0)
  local v4 = t.limit + min(t.max_rollover, floor((max((t.limit - v3), 0) * t.percentage) / 1000000))
  local v5 = v2 and r[2] or 0
  local v6 = cost <= (v4 - v5)
  local v7 = v6 or ((t.count_denied == 1) and (cost <= v4))
  local v8 = v7 and (take == 1)
  local v9 = v8 and (v7 and (v6 and (v5 + cost) or max(v5, v4)) or v5) or v5
  local v10 = (v1 + t.period) - now
  local v11 = v10 + t.period
  return v6,
    v8,
    max((v4 - v9), 0),
    v6 and 0 or ((cost <= t.most) and ((cost <= (t.limit + min(t.max_rollover, floor((max((t.limit - v5), 0) * t.percentage) / 1000000)))) and v10 or v11) or -1),
    (v9 > 0) and v11 or ((v3 > 0) and v10 or 0),
    v1,
    v9,
    v3
end

local function settle(r, now, cost, t)
  local v1 = max((now - (now % t.period)), r[1])
  local v2 = v1 == r[1]
  local v3 = v2 and r[2] or 0
  local v4 = t.most + t.most
  local v5 = min(v3, v4)
  local v6 = v5 + max(min(cost, (v4 - v5)), (0 - v5))
  local v7 = max(((v2 and r[3] or ((v1 == (r[1] + t.period)) and r[2] or 0)) - max(((0 - cost) - v3), 0)), 0)
  local v8 = t.limit + min(t.max_rollover, floor((max((t.limit - v7), 0) * t.percentage) / 1000000))
  local v9 = (v6 <= v8) and (cost <= t.most)
  local v10 = (v1 + t.period) - now
  return v9,
    v9,
    max((v8 - v6), 0),
    v9 and 0 or ((t.most == 0) and -1 or v10),
    (v6 > 0) and (v10 + t.period) or ((v7 > 0) and v10 or 0),
    v1,
    v6,
    v7
end

return {step = step, settle = settle}
