-- cost_based_token_bucket.1, as Redis runs it. Made by server/strategy/script.cc; do not edit.
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

local function step(r, now, cost, take, t)
  local v1 = cost <= t.most
  local v2 = max(now, r[1])
  local v3 = v2 - r[1]
  local v4 = t.period * 1000
  local v5 = max(t.capacity, (t.most * v4))
  local v6 = min(r[2], (v5 + v5))
  local v7 = (r[4] == 0) and 1000000 or r[3]
  local v8 = t.limit * max(t.min_rate, floor(1000000000 / v7))
  local v9 = max(v8, 1)
  local v10 = (v3 >= ceil(v6 / v9)) and 0 or (v6 - (min(v3, floor(v6 / v9)) * v8))
  local v11 = v10 == 0
  local v12 = min(cost, t.most)
  local v13 = v12 * v4
  local v14 = t.capacity - v13
  local v15 = v1 and (v11 or (v10 <= v14))
  local v16 = v15 and (take == 1)
  local v17 = v10 + (v16 and v13 or 0)
  local v18 = v17 == 0
  local v19 = v2 - now
  local v20 = v11 and 1000000 or v7
  local v21 = v11 and 0 or r[4]
  local v22 = min((v21 + 1), t.cost_window)
  local v23 = v16 and (v20 + floor(((max(v12, 1) * 1000000) - v20) / v22)) or v20
  return v15,
    v16,
    v18 and t.most or floor(max((t.capacity - v17), 0) / v4),
    v15 and 0 or (v1 and (v19 + ceil(max((v10 - max(v14, 0)), 0) / max((t.limit * max(t.min_rate, floor(1000000000 / v20))), 1))) or -1),
    v18 and 0 or (v19 + ceil(v17 / max((t.limit * max(t.min_rate, floor(1000000000 / v23))), 1))),
    v2,
    v17,
    v23,
    v16 and v22 or v21
end

local function settle(r, now, cost, t)
  local v1 = max(now, r[1])
  local v2 = v1 - r[1]
  local v3 = t.period * 1000
  local v4 = max(t.capacity, (t.most * v3))
  local v5 = v4 + v4
  local v6 = min(r[2], v5)
  local v7 = (r[4] == 0) and 1000000 or r[3]
  local v8 = t.limit * max(t.min_rate, floor(1000000000 / v7))
  local v9 = max(v8, 1)
  local v10 = (v2 >= ceil(v6 / v9)) and 0 or (v6 - (min(v2, floor(v6 / v9)) * v8))
  local v11 = floor(v5 / v3)
  local v12 = 0 - v11
  local v13 = 0 - v10
  local v14 = v5 - v10
  local v15 = v10 + max(((cost < v12) and v13 or ((cost > v11) and v14 or min((max(min(cost, v11), v12) * v3), v14))), v13)
  local v16 = v15 == 0
  local v17 = v10 == 0
  local v18 = (cost <= t.most) and ((v16 or (v15 <= t.capacity)) or (v17 and (cost >= 0)))
  local v19 = v1 - now
  local v20 = v17 and 1000000 or v7
  local v21 = v16 and 1000000 or v20
  return v18,
    v18,
    v16 and t.most or floor(max((t.capacity - v15), 0) / v3),
    v18 and 0 or ((t.most == 0) and -1 or (v19 + ceil(max((v15 - t.capacity), 0) / max((t.limit * max(t.min_rate, floor(1000000000 / v20))), 1)))),
    v16 and 0 or (v19 + ceil(v15 / max((t.limit * max(t.min_rate, floor(1000000000 / v21))), 1))),
    v1,
    v15,
    v21,
    v16 and 0 or (v17 and 0 or r[4])
end

return {step = step, settle = settle}
