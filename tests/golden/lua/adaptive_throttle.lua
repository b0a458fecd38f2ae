-- adaptive_throttle.1, as Redis runs it. Made by server/strategy/script.cc; do not edit.
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

local function step(r, now, cost, take, t)
  local v1 = max((now - (now % t.period)), r[1])
  local v2 = floor((v1 - r[1]) / t.period)
  local v3 = v2 == 0
  local v4 = v3 and r[2] or 0
  local v5 = min(t.limit, (((r[3] == 0) and t.limit or min(r[3], t.limit)) + (min(v2, ceil(t.limit / t.recovery)) * t.recovery)))
  local v6 = v3 and r[4] or 0
  local v7 = cost <= (v5 - v4)
  local v8 = v7 and (take == 1)
  local v9 = v4 + (v8 and cost or 0)
  local v10 = v8 and (((v9 * 1000000) > (v5 * t.threshold)) and (v6 == 0))
  local v11 = v10 and max(t.least, floor((v5 * t.reduction) / 1000000)) or v5
  return v7,
    v8,
    max((v11 - v9), 0),
    v7 and 0 or ((cost <= t.most) and ((v1 + (max(1, ceil(max((min(cost, t.limit) - v5), 0) / t.recovery)) * t.period)) - now) or -1),
    ((v9 == 0) and (v11 == t.limit)) and 0 or ((v1 + (max(1, ceil(max((min(t.limit, t.limit) - v11), 0) / t.recovery)) * t.period)) - now),
    v1,
    v9,
    v11,
    v10 and 1 or v6
end

local function settle(r, now, cost, t)
  local v1 = max((now - (now % t.period)), r[1])
  local v2 = floor((v1 - r[1]) / t.period)
  local v3 = v2 == 0
  local v4 = min(t.limit, (((r[3] == 0) and t.limit or min(r[3], t.limit)) + (min(v2, ceil(t.limit / t.recovery)) * t.recovery)))
  local v5 = t.most + t.most
  local v6 = min((v3 and r[2] or 0), v5)
  local v7 = v6 + max(min(cost, (v5 - v6)), (0 - v6))
  local v8 = (v7 <= v4) and (cost <= t.most)
  return v8,
    v8,
    max((v4 - v7), 0),
    v8 and 0 or ((t.most == 0) and -1 or ((v1 + t.period) - now)),
    ((v7 == 0) and (v4 == t.limit)) and 0 or ((v1 + (max(1, ceil(max((min(t.limit, t.limit) - v4), 0) / t.recovery)) * t.period)) - now),
    v1,
    v7,
    v4,
    v3 and r[4] or 0
end

return {step = step, settle = settle}
