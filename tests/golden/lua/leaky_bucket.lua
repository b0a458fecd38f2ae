-- leaky_bucket.1, as Redis runs it. Made by server/strategy/script.cc; do not edit.
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

local function step(r, now, cost, take, t)
  local v1 = max(t.capacity, (t.most * t.period))
  local v2 = max(now, r[1])
  local v3 = min(r[2], (v1 + v1))
  local v4 = v2 - r[1]
  local v5 = max(t.limit, 1)
  local v6 = (v4 >= ceil(v3 / v5)) and 0 or (v3 - (min(v4, floor(v3 / v5)) * t.limit))
  local v7 = cost <= t.most
  local v8 = min(cost, t.most) * t.period
  local v9 = t.capacity - v8
  local v10 = v7 and ((v6 == 0) or (v6 <= v9))
  local v11 = v10 and (take == 1)
  local v12 = v2 - now
  local v13 = v6 + (v11 and v8 or 0)
  local v14 = v13 == 0
  return v10,
    v11,
    v14 and t.most or floor(max((t.capacity - v13), 0) / t.period),
    v10 and 0 or (v7 and (v12 + ceil(max((v6 - max(v9, 0)), 0) / v5)) or -1),
    v14 and 0 or (v12 + ceil(v13 / v5)),
    v2,
    v13
end

local function settle(r, now, cost, t)
  local v1 = max(t.capacity, (t.most * t.period))
  local v2 = v1 + v1
  local v3 = max(now, r[1])
  local v4 = min(r[2], v2)
  local v5 = v3 - r[1]
  local v6 = max(t.limit, 1)
  local v7 = (v5 >= ceil(v4 / v6)) and 0 or (v4 - (min(v5, floor(v4 / v6)) * t.limit))
  local v8 = v2 - v7
  local v9 = floor(v2 / t.period)
  local v10 = 0 - v9
  local v11 = 0 - v7
  local v12 = v7 + max(((cost < v10) and v11 or ((cost > v9) and v8 or min((max(min(cost, v9), v10) * t.period), v8))), v11)
  local v13 = v12 == 0
  local v14 = (cost <= t.most) and ((v13 or (v12 <= t.capacity)) or ((v7 == 0) and (cost >= 0)))
  local v15 = v3 - now
  return v14,
    v14,
    v13 and t.most or floor(max((t.capacity - v12), 0) / t.period),
    v14 and 0 or ((t.most == 0) and -1 or (v15 + ceil(max((v12 - t.capacity), 0) / v6))),
    v13 and 0 or (v15 + ceil(v12 / v6)),
    v3,
    v12
end

return {step = step, settle = settle}
