-- cost_based_token_bucket.1, as Redis runs it. Made by server/strategy/script.cc; do not edit.
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

local function step(r, now, cost, take, t)
  local v1 = (r[4] == 0) and 1000000 or r[3]
  local v2 = t.limit * max(t.min_rate, floor(1000000000 / v1))
  local v3 = t.period * 1000
  local v4 = max(t.capacity, (t.most * v3))
  local v5 = max(now, r[1])
  local v6 = min(r[2], (v4 + v4))
  local v7 = v5 - r[1]
  local v8 = max(v2, 1)
  local v9 = (v7 >= ceil(v6 / v8)) and 0 or (v6 - (min(v7, floor(v6 / v8)) * v2))
  local v10 = v9 == 0
  local v11 = v10 and 1000000 or v1
  local v12 = v10 and 0 or r[4]
  local v13 = cost <= t.most
  local v14 = min(cost, t.most)
  local v15 = v14 * v3
  local v16 = t.capacity - v15
  local v17 = v13 and (v10 or (v9 <= v16))
  local v18 = v17 and (take == 1)
  local v19 = v5 - now
  local v20 = v9 + (v18 and v15 or 0)
  local v21 = min((v12 + 1), t.cost_window)
  local v22 = v18 and (v11 + floor(((max(v14, 1) * 1000000) - v11) / v21)) or v11
  local v23 = v20 == 0
  return v17,
    v18,
    v23 and t.most or floor(max((t.capacity - v20), 0) / v3),
    v17 and 0 or (v13 and (v19 + ceil(max((v9 - max(v16, 0)), 0) / max((t.limit * max(t.min_rate, floor(1000000000 / v11))), 1))) or -1),
    v23 and 0 or (v19 + ceil(v20 / max((t.limit * max(t.min_rate, floor(1000000000 / v22))), 1))),
    v5,
    v20,
    v22,
    v18 and v21 or v12
end

local function settle(r, now, cost, t)
  local v1 = (r[4] == 0) and 1000000 or r[3]
  local v2 = t.limit * max(t.min_rate, floor(1000000000 / v1))
  local v3 = t.period * 1000
  local v4 = max(t.capacity, (t.most * v3))
  local v5 = v4 + v4
  local v6 = max(now, r[1])
  local v7 = min(r[2], v5)
  local v8 = v6 - r[1]
  local v9 = max(v2, 1)
  local v10 = (v8 >= ceil(v7 / v9)) and 0 or (v7 - (min(v8, floor(v7 / v9)) * v2))
  local v11 = v10 == 0
  local v12 = v11 and 1000000 or v1
  local v13 = v5 - v10
  local v14 = floor(v5 / v3)
  local v15 = 0 - v14
  local v16 = 0 - v10
  local v17 = v10 + max(((cost < v15) and v16 or ((cost > v14) and v13 or min((max(min(cost, v14), v15) * v3), v13))), v16)
  local v18 = v17 == 0
  local v19 = (cost <= t.most) and ((v18 or (v17 <= t.capacity)) or (v11 and (cost >= 0)))
  local v20 = v6 - now
  local v21 = v18 and 1000000 or v12
  return v19,
    v19,
    v18 and t.most or floor(max((t.capacity - v17), 0) / v3),
    v19 and 0 or ((t.most == 0) and -1 or (v20 + ceil(max((v17 - t.capacity), 0) / max((t.limit * max(t.min_rate, floor(1000000000 / v12))), 1)))),
    v18 and 0 or (v20 + ceil(v17 / max((t.limit * max(t.min_rate, floor(1000000000 / v21))), 1))),
    v6,
    v17,
    v21,
    v18 and 0 or (v11 and 0 or r[4])
end

return {step = step, settle = settle}
