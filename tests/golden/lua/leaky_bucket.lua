-- leaky_bucket.1, as Redis runs it. Made by server/strategy/script.cc; do not edit.
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

local function step(r, now, cost, take, t)
  local v1 = cost <= t.most
  local v2 = max(now, r[1])
  local v3 = v2 - r[1]
  local v4 = max(t.capacity, (t.most * t.period))
  local v5 = min(r[2], (v4 + v4))
  local v6 = max(t.limit, 1)
  local v7 = (v3 >= ceil(v5 / v6)) and 0 or (v5 - (min(v3, floor(v5 / v6)) * t.limit))
  local v8 = min(cost, t.most) * t.period
  local v9 = t.capacity - v8
  local v10 = v1 and ((v7 == 0) or (v7 <= v9))
  local v11 = v10 and (take == 1)
  local v12 = v7 + (v11 and v8 or 0)
  local v13 = v12 == 0
  local v14 = v2 - now
  return v10,
    v11,
    v13 and t.most or floor(max((t.capacity - v12), 0) / t.period),
    v10 and 0 or (v1 and (v14 + ceil(max((v7 - max(v9, 0)), 0) / v6)) or -1),
    v13 and 0 or (v14 + ceil(v12 / v6)),
    v2,
    v12
end

local function settle(r, now, cost, t)
  local v1 = max(now, r[1])
  local v2 = v1 - r[1]
  local v3 = max(t.capacity, (t.most * t.period))
  local v4 = v3 + v3
  local v5 = min(r[2], v4)
  local v6 = max(t.limit, 1)
  local v7 = (v2 >= ceil(v5 / v6)) and 0 or (v5 - (min(v2, floor(v5 / v6)) * t.limit))
  local v8 = floor(v4 / t.period)
  local v9 = 0 - v8
  local v10 = 0 - v7
  local v11 = v4 - v7
  local v12 = v7 + max(((cost < v9) and v10 or ((cost > v8) and v11 or min((max(min(cost, v8), v9) * t.period), v11))), v10)
  local v13 = v12 == 0
  local v14 = (cost <= t.most) and ((v13 or (v12 <= t.capacity)) or ((v7 == 0) and (cost >= 0)))
  local v15 = v1 - now
  return v14,
    v14,
    v13 and t.most or floor(max((t.capacity - v12), 0) / t.period),
    v14 and 0 or ((t.most == 0) and -1 or (v15 + ceil(max((v12 - t.capacity), 0) / v6))),
    v13 and 0 or (v15 + ceil(v12 / v6)),
    v1,
    v12
end

return {step = step, settle = settle}
