-- adaptive_throttle.1, as Redis runs it. Made by server/strategy/script.cc; do not edit.
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

local function step(r, now, cost, take, t)
  local v1 = max((now - (now % t.period)), r[1])
  local v2 = floor((v1 - r[1]) / t.period)
  local v3 = min(t.limit, (((r[3] == 0) and t.limit or min(r[3], t.limit)) + (min(v2, ceil(t.limit / t.recovery)) * t.recovery)))
  local v4 = v2 == 0
  local v5 = v4 and r[2] or 0
  local v6 = cost <= (v3 - v5)
  local v7 = v6 and (take == 1)
  local v8 = v5 + (v7 and cost or 0)
  local v9 = v4 and r[4] or 0
  local v10 = v7 and (((v8 * 1000000) > (v3 * t.threshold)) and (v9 == 0))
  local v11 = v10 and max(t.least, floor((v3 * t.reduction) / 1000000)) or v3
  local v12 = v10 and 1 or v9
  return v6,
    v7,
    max((v11 - v8), 0),
    v6 and 0 or ((cost <= t.most) and ((v1 + (max(1, ceil(max((min(cost, t.limit) - v3), 0) / t.recovery)) * t.period)) - now) or -1),
    (((v8 == 0) and (v12 == 0)) and (v11 == t.limit)) and 0 or ((v1 + (max(1, ceil(max((min(t.limit, t.limit) - v11), 0) / t.recovery)) * t.period)) - now),
    v1,
    v8,
    v11,
    v12
end

local function settle(r, now, cost, t)
  local v1 = max((now - (now % t.period)), r[1])
  local v2 = floor((v1 - r[1]) / t.period)
  local v3 = v2 == 0
  local v4 = t.most + t.most
  local v5 = min((v3 and r[2] or 0), v4)
  local v6 = v5 + max(min(cost, (v4 - v5)), (0 - v5))
  local v7 = min(t.limit, (((r[3] == 0) and t.limit or min(r[3], t.limit)) + (min(v2, ceil(t.limit / t.recovery)) * t.recovery)))
  local v8 = (v6 <= v7) and (cost <= t.most)
  local v9 = v3 and r[4] or 0
  return v8,
    v8,
    max((v7 - v6), 0),
    v8 and 0 or ((t.most == 0) and -1 or ((v1 + t.period) - now)),
    (((v6 == 0) and (v9 == 0)) and (v7 == t.limit)) and 0 or ((v1 + (max(1, ceil(max((min(t.limit, t.limit) - v7), 0) / t.recovery)) * t.period)) - now),
    v1,
    v6,
    v7,
    v9
end

return {step = step, settle = settle}
