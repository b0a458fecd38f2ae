-- tiered_rate.1, as Redis runs it. Made by server/strategy/script.cc; do not edit.
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

local function step(r, now, cost, take, t)
  local v1 = max((now - (now % t.period)), r[1])
  local v2 = (v1 == r[1]) and r[2] or 0
  local v3 = cost <= (t.limit - v2)
  local v4 = v3 or ((t.count_denied == 1) and (cost <= t.limit))
  local v5 = v4 and (take == 1)
  local v6 = v5 and (v4 and (v3 and (v2 + cost) or max(v2, t.limit)) or v2) or v2
  local v7 = (v1 + t.period) - now
  return v3,
    v5,
    max((t.limit - v6), 0),
    v3 and 0 or ((cost <= t.most) and v7 or -1),
    (v6 == 0) and 0 or v7,
    v1,
    v6
end

local function settle(r, now, cost, t)
  local v1 = max((now - (now % t.period)), r[1])
  local v2 = t.most + t.most
  local v3 = min(((v1 == r[1]) and r[2] or 0), v2)
  local v4 = v3 + max(min(cost, (v2 - v3)), (0 - v3))
  local v5 = (v4 <= t.limit) and (cost <= t.most)
  local v6 = (v1 + t.period) - now
  return v5,
    v5,
    max((t.limit - v4), 0),
    v5 and 0 or ((t.most == 0) and -1 or v6),
    (v4 == 0) and 0 or v6,
    v1,
    v4
end

return {step = step, settle = settle}
