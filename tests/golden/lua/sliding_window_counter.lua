-- sliding_window_counter.1, as Redis runs it. Made by server/strategy/script.cc; do not edit.
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

local function step(r, now, cost, take, t)
  local v1 = max(now, r[1])
  local v2 = v1 - (v1 % t.period)
  local v3 = r[1] - (r[1] % t.period)
  local v4 = v2 == v3
  local v5 = t.most + t.most
  local v6 = min(r[2], v5)
  local v7 = v4 and v6 or 0
  local v8 = t.limit - v7
  local v9 = cost <= v8
  local v10 = v4 and min(r[3], v5) or ((v2 == (v3 + t.period)) and v6 or 0)
  local v11 = v2 + t.period
  local v12 = v10 * (v11 - v1)
  local v13 = min(cost, t.limit)
  local v14 = v9 and (v12 <= (max((v8 - v13), 0) * t.period))
  local v15 = v14 or ((t.count_denied == 1) and (cost <= t.limit))
  local v16 = v15 and (take == 1)
  local v17 = v15 and (v9 and (v7 + cost) or max(v7, t.limit)) or v7
  local v18 = v16 and v17 or v7
  local v19 = t.limit - v17
  local v20 = v11 - now
  return v14,
    v16,
    max(((t.limit - v18) - ceil(v12 / t.period)), 0),
    v14 and 0 or ((cost <= t.most) and ((v2 - now) + ((cost <= v19) and (t.period - floor((max((v19 - v13), 0) * t.period) / max(v10, 1))) or ((t.period + t.period) - floor(((t.limit - v13) * t.period) / max(v17, 1))))) or -1),
    (v18 > 0) and (v20 + t.period) or ((v10 > 0) and v20 or 0),
    v1,
    v18,
    v10
end

local function settle(r, now, cost, t)
  local v1 = max(now, r[1])
  local v2 = v1 - (v1 % t.period)
  local v3 = r[1] - (r[1] % t.period)
  local v4 = v2 == v3
  local v5 = t.most + t.most
  local v6 = min(r[2], v5)
  local v7 = v4 and v6 or 0
  local v8 = min(v7, v5)
  local v9 = v8 + max(min(cost, (v5 - v8)), (0 - v8))
  local v10 = max(((v4 and min(r[3], v5) or ((v2 == (v3 + t.period)) and v6 or 0)) - max(((0 - cost) - v7), 0)), 0)
  local v11 = v2 + t.period
  local v12 = v10 * (v11 - v1)
  local v13 = t.limit - v9
  local v14 = ((v9 <= t.limit) and (v12 <= (max(v13, 0) * t.period))) and (cost <= t.most)
  local v15 = min(0, t.limit)
  local v16 = v11 - now
  return v14,
    v14,
    max((v13 - ceil(v12 / t.period)), 0),
    v14 and 0 or ((t.most == 0) and -1 or ((v2 - now) + ((0 <= v13) and (t.period - floor((max((v13 - v15), 0) * t.period) / max(v10, 1))) or ((t.period + t.period) - floor(((t.limit - v15) * t.period) / max(v9, 1)))))),
    (v9 > 0) and (v16 + t.period) or ((v10 > 0) and v16 or 0),
    v1,
    v9,
    v10
end

return {step = step, settle = settle}
