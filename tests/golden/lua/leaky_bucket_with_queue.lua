-- leaky_bucket_with_queue.1, as Redis runs it. Made by server/strategy/script.cc; do not edit.
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

-- The twin of core/log.h and of the helpers of family/log.h.

local NO_ENTRY = -1

local function new_edit()
  return {
    drop_oldest = 0, drop_newest = 0, lower_oldest = 0, lower_newest = 0,
    add_at = 0, add_cost = 0, add_tag = 0,
  }
end

-- The entries of a log of `stored` as they are after `edit`, oldest first, until `see` is false.
local function visit_edited(log, stored, edit, see)
  local first, last = edit.drop_oldest + 1, stored - edit.drop_newest
  local lower_first, lower_last = edit.lower_oldest, edit.lower_newest
  local add_at, add_cost, add_tag = edit.add_at, edit.add_cost, edit.add_tag
  for i = first, last do
    local at, cost, tag = log(i)
    if i == first then cost = cost - lower_first end
    if i == last then cost = cost - lower_last end
    if not see(at, cost, tag, false) then return end
  end
  if add_cost ~= 0 then see(add_at, add_cost, add_tag, true) end
end

-- Takes `amount` hits off the newest of `left` entries; tells `lowered` of each.
local function refund_newest(log, stored, left, amount, edit, lowered)
  for i = stored, stored - left + 1, -1 do
    if amount <= 0 then return end
    local _, cost, tag = log(i)
    local hits = min(amount, cost)
    amount = amount - hits
    lowered(tag, hits)
    if hits < cost then
      edit.lower_newest = hits
      return
    end
    edit.drop_newest = edit.drop_newest + 1
  end
end

local function bucket_step(r, now, cost, take, t)
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

local function bucket_settle(r, now, cost, t)
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

-- The twin of leaky_bucket_with_queue.h: the FIFO beside the level.

-- What the level says has drained leaves, and what is more than the FIFO keeps.
local function drain(queue, edit, stored, backlog, t, log)
  visit_edited(log, stored, edit, function(_, cost, _, added)
    -- What is behind it holds all of the backlog.
    local drained = backlog <= (queue.sum - cost) * t.period
    if not drained and queue.count <= t.max_entries then return false end
    queue.count = queue.count - 1
    queue.sum = queue.sum - cost
    if added then
      edit.add_at, edit.add_cost, edit.add_tag = 0, 0, 0
    else
      edit.drop_oldest = edit.drop_oldest + 1
    end
    return true
  end)
  if queue.count == 0 then edit.lower_newest = 0 end
end

local function tell(queue, edit, stored, t, log, allowed, changes, remaining, wait, reset, at, backlog)
  drain(queue, edit, stored, backlog, t, log)
  return allowed, changes, remaining, wait, reset,
    edit.drop_oldest, edit.drop_newest, edit.lower_oldest, edit.lower_newest,
    edit.add_at, edit.add_cost, edit.add_tag,
    at, backlog, queue.count, queue.sum
end

local function add(queue, edit, at, cost)
  if cost == 0 then return end
  edit.add_at, edit.add_cost, edit.add_tag = at, cost, 0
  queue.count = queue.count + 1
  queue.sum = queue.sum + cost
end

local function step(r, now, cost, take, t, log)
  local queue, edit = {count = r[3], sum = r[4]}, new_edit()
  local allowed, changes, remaining, wait, reset, at, backlog = bucket_step(r, now, cost, take, t)
  if changes then add(queue, edit, at, cost) end
  return tell(queue, edit, r[3], t, log, allowed, changes, remaining, wait, reset, at, backlog)
end

local function settle(r, now, cost, t, log)
  local queue, edit = {count = r[3], sum = r[4]}, new_edit()
  -- A look tells the level before.
  local _, _, _, _, _, _, before = bucket_step(r, now, 0, 0, t)
  local allowed, changes, remaining, wait, reset, at, backlog = bucket_settle(r, now, cost, t)
  if cost < 0 then
    refund_newest(log, r[3], queue.count, -cost, edit, function(_, hits)
      queue.sum = queue.sum - hits
    end)
    queue.count = queue.count - edit.drop_newest
  else
    add(queue, edit, at, floor((backlog - before) / t.period))
  end
  return tell(queue, edit, r[3], t, log, allowed, changes, remaining, wait, reset, at, backlog)
end

return {step = step, settle = settle}
