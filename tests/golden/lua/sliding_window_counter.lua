-- sliding_window_counter.1, as Redis runs it. Made by server/strategy/script.cc; do not edit.
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

local function step(r, now, cost, take, t)
  local v1 = max(now, r[1])
  local v2 = v1 - (v1 % t.period)
  local v3 = t.most + t.most
  local v4 = min(r[2], v3)
  local v5 = v2 + t.period
  local v6 = r[1] - (r[1] % t.period)
  local v7 = v2 == v6
  local v8 = v7 and v4 or 0
  local v9 = v7 and min(r[3], v3) or ((v2 == (v6 + t.period)) and v4 or 0)
  local v10 = min(cost, t.limit)
  local v11 = t.limit - v8
  local v12 = v9 * (v5 - v1)
  local v13 = cost <= v11
  local v14 = v13 and (v12 <= (max((v11 - v10), 0) * t.period))
  local v15 = v14 or ((t.count_denied == 1) and (cost <= t.limit))
  local v16 = v15 and (v13 and (v8 + cost) or max(v8, t.limit)) or v8
  local v17 = v15 and (take == 1)
  local v18 = v17 and v16 or v8
  local v19 = t.limit - v16
  local v20 = v5 - now
  return v14,
    v17,
    max(((t.limit - v18) - ceil(v12 / t.period)), 0),
    v14 and 0 or ((cost <= t.most) and ((v2 - now) + ((cost <= v19) and (t.period - floor((max((v19 - v10), 0) * t.period) / max(v9, 1))) or ((t.period + t.period) - floor(((t.limit - v10) * t.period) / max(v16, 1))))) or -1),
    (v18 > 0) and (v20 + t.period) or ((v9 > 0) and v20 or 0),
    v1,
    v18,
    v9
end

local function settle(r, now, cost, t)
  local v1 = max(now, r[1])
  local v2 = v1 - (v1 % t.period)
  local v3 = t.most + t.most
  local v4 = min(r[2], v3)
  local v5 = v2 + t.period
  local v6 = r[1] - (r[1] % t.period)
  local v7 = v2 == v6
  local v8 = v7 and v4 or 0
  local v9 = min(v8, v3)
  local v10 = v9 + max(min(cost, (v3 - v9)), (0 - v9))
  local v11 = max(((v7 and min(r[3], v3) or ((v2 == (v6 + t.period)) and v4 or 0)) - max(((0 - cost) - v8), 0)), 0)
  local v12 = t.limit - v10
  local v13 = v11 * (v5 - v1)
  local v14 = ((v10 <= t.limit) and (v13 <= (max(v12, 0) * t.period))) and (cost <= t.most)
  local v15 = min(0, t.limit)
  local v16 = v5 - now
  return v14,
    v14,
    max((v12 - ceil(v13 / t.period)), 0),
    v14 and 0 or ((t.most == 0) and -1 or ((v2 - now) + ((0 <= v12) and (t.period - floor((max((v12 - v15), 0) * t.period) / max(v11, 1))) or ((t.period + t.period) - floor(((t.limit - v15) * t.period) / max(v10, 1)))))),
    (v10 > 0) and (v16 + t.period) or ((v11 > 0) and v16 or 0),
    v1,
    v10,
    v11
end

return {step = step, settle = settle}
