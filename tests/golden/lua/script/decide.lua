local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max
local function strategy_of(id)
  if id == 0 then
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

  return {
    step = step, settle = settle,
    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5)
      return {limit = limit, period = period, capacity = capacity, most = most, count_denied = count_denied}
    end,
    registers = 2, first = 6, calendar = false,
    pattern = '^(%-?%d+) (%-?%d+)$', format = '%.0f %.0f',
  }
  end
  if id == 1 then
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

  return {
    step = step, settle = settle,
    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5)
      return {limit = limit, period = period, capacity = capacity, most = most, count_denied = count_denied}
    end,
    registers = 3, first = 6, calendar = false,
    pattern = '^(%-?%d+) (%-?%d+) (%-?%d+)$', format = '%.0f %.0f %.0f',
  }
  end
  if id == 2 then
local CLASSES = 1

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

-- The twin of family/log.h: a log whose entries have CLASSES classes.

local function class_of(tag)
  return max(0, min(tag - 1, CLASSES - 1)) + 1
end

-- Hits of this class and above.
local function above(live, class)
  local sum = 0
  for i = class, CLASSES do sum = sum + live[i] end
  return sum
end

local function copied(live)
  local copy = {count = live.count}
  for i = 1, CLASSES do copy[i] = live[i] end
  return copy
end

-- What is left of the log at the key's time, and the edit that makes it so.
local function expired(r, now, t, log)
  local at, edit = max(now, r[1]), new_edit()
  local live = {count = r[2]}
  for i = 1, CLASSES do live[i] = r[2 + i] end
  visit_edited(log, r[2], edit, function(entry_at, cost, tag)
    if entry_at > at - t.period then return false end
    local class = class_of(tag)
    live[class] = live[class] - cost
    live.count = live.count - 1
    edit.drop_oldest = edit.drop_oldest + 1
    return true
  end)
  return at, live, edit
end

local function fits(live, class, cost, t)
  return cost <= t.limit - above(live, class) and cost <= t.hard_limit - above(live, 1)
end

-- A denial that counts takes the place of the oldest costs.
local function forget(live, edit, stored, t, log)
  visit_edited(log, stored, edit, function(_, cost, tag)
    local excess = above(live, 1) - t.limit
    local full = live.count > t.max_entries
    if excess <= 0 and not full then return false end
    local hits = full and cost or min(cost, excess)
    local class = class_of(tag)
    live[class] = live[class] - hits
    if hits < cost then
      edit.lower_oldest = hits
      return false
    end
    edit.drop_oldest = edit.drop_oldest + 1
    live.count = live.count - 1
    return true
  end)
end

-- Until the cost fits and at most `count` entries are left; 0 when that is so already.
local function wait_for(live, edit, stored, at, now, class, cost, count, t, log)
  local left, free_at = copied(live), at
  visit_edited(log, stored, edit, function(entry_at, entry_cost, tag)
    if fits(left, class, cost, t) and left.count <= count then return false end
    local entry_class = class_of(tag)
    left[entry_class] = left[entry_class] - entry_cost
    left.count = left.count - 1
    free_at = entry_at + t.period
    return true
  end)
  return free_at == at and 0 or free_at - now
end

local function tell(allowed, changes, wait, live, edit, stored, at, now, class, t, log)
  local room = min(t.limit - above(live, class), t.hard_limit - above(live, 1))
  local remaining = live.count < t.max_entries and max(room, 0) or 0
  local reset = 0
  if edit.add_cost ~= 0 then
    reset = edit.add_at + t.period - now
  elseif live.count > 0 then
    reset = log(stored - edit.drop_newest) + t.period - now
  end
  return allowed, changes, remaining, wait, reset,
    edit.drop_oldest, edit.drop_newest, edit.lower_oldest, edit.lower_newest,
    edit.add_at, edit.add_cost, edit.add_tag,
    at, live.count, unpack(live, 1, CLASSES)
end

local function step(r, now, cost, take, t, log, tag)
  local stored, class = r[2], class_of(tag)
  local at, live, edit = expired(r, now, t, log)
  local possible = cost <= t.most
  local allowed = possible and fits(live, class, cost, t) and live.count < t.max_entries
  local counts = t.count_denied == 1 and possible
  local hit, hit_edit = copied(live), new_edit()
  hit_edit.drop_oldest = edit.drop_oldest
  if cost > 0 and (allowed or counts) then
    hit_edit.add_at, hit_edit.add_cost, hit_edit.add_tag = at, cost, tag
    hit[class] = hit[class] + cost
    hit.count = hit.count + 1
    if not allowed then forget(hit, hit_edit, stored, t, log) end
  end
  local wait = 0
  if not allowed then
    wait = possible
      and wait_for(hit, hit_edit, stored, at, now, class, cost, t.max_entries - 1, t, log)
      or -1
  end
  local changes = take == 1 and (allowed or counts)
  if changes then live, edit = hit, hit_edit end
  return tell(allowed, changes, wait, live, edit, stored, at, now, class, t, log)
end

-- A full log adds it to its newest entry, whose class then holds it too.
local function debit(live, edit, amount, stored, at, class, tag, t, log)
  local full, holder = live.count >= t.max_entries, class
  if full then
    local _, _, newest_tag = log(stored)
    holder = class_of(newest_tag)
  end
  local held = max(above(live, class), above(live, holder))
  local hits = min(amount, max(t.ceiling - held, 0))
  if hits == 0 then return end
  live[holder] = live[holder] + hits
  if full then
    edit.lower_newest = -hits
  else
    edit.add_at, edit.add_cost, edit.add_tag = at, hits, tag
    live.count = live.count + 1
  end
end

local function settle(r, now, cost, t, log, tag)
  local stored, class = r[2], class_of(tag)
  local at, live, edit = expired(r, now, t, log)
  if cost > 0 then
    debit(live, edit, cost, stored, at, class, tag, t, log)
  else
    refund_newest(log, stored, live.count, -cost, edit, function(entry_tag, hits)
      local entry_class = class_of(entry_tag)
      live[entry_class] = live[entry_class] - hits
    end)
    live.count = live.count - edit.drop_newest
  end
  local within = fits(live, class, 0, t) and cost <= t.most
  local wait = 0
  if not within then
    wait = t.most == 0 and -1
      or wait_for(live, edit, stored, at, now, class, 0, live.count, t, log)
  end
  return tell(within, true, wait, live, edit, stored, at, now, class, t, log)
end

  return {
    step = step, settle = settle,
    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5)
      return {limit = limit, period = period, capacity = capacity, most = most, count_denied = count_denied, max_entries = o1, hard_limit = o2, ceiling = o3}
    end,
    registers = 3, first = 13, calendar = false,
    pattern = '^(%-?%d+) (%-?%d+) (%-?%d+)$', format = '%.0f %.0f %.0f',
    log = 2,
    tell = function(v, stored, log, cost, t)
    if v[6] + v[7] < stored then
      v.told = (log(v[6] + 1))
    else
      v.told = v[11] ~= 0 and v[10] or -1
    end
    end,
  }
  end
  if id == 3 then
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

  return {
    step = step, settle = settle,
    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5)
      return {limit = limit, period = period, capacity = capacity, most = most, count_denied = count_denied}
    end,
    registers = 2, first = 6, calendar = false,
    pattern = '^(%-?%d+) (%-?%d+)$', format = '%.0f %.0f',
  }
  end
  if id == 4 then
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

  return {
    step = step, settle = settle,
    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5)
      return {limit = limit, period = period, capacity = capacity, most = most, count_denied = count_denied}
    end,
    registers = 2, first = 6, calendar = false,
    pattern = '^(%-?%d+) (%-?%d+)$', format = '%.0f %.0f',
  }
  end
  if id == 5 then
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

  return {
    step = step, settle = settle,
    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5)
      return {limit = limit, period = period, capacity = capacity, most = most, count_denied = count_denied}
    end,
    registers = 2, first = 6, calendar = false,
    pattern = '^(%-?%d+) (%-?%d+)$', format = '%.0f %.0f',
  }
  end
  if id == 6 then
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

  return {
    step = step, settle = settle,
    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5)
      return {limit = limit, period = period, capacity = capacity, most = most, count_denied = count_denied, max_entries = o1, hard_limit = o2, ceiling = o3}
    end,
    registers = 4, first = 13, calendar = false,
    pattern = '^(%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+)$', format = '%.0f %.0f %.0f %.0f',
    log = 3,
    tell = function(v, stored, log, cost, t)
    v.told = v[14] + (cost and v[1] and not v[2] and cost * t.period or 0)
    end,
  }
  end
  if id == 7 then
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

  return {
    step = step, settle = settle,
    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5)
      return {limit = limit, period = period, capacity = capacity, most = most, count_denied = count_denied}
    end,
    registers = 2, first = 6, calendar = false,
    pattern = '^(%-?%d+) (%-?%d+)$', format = '%.0f %.0f',
  }
  end
  if id == 8 then
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

  return {
    step = step, settle = settle,
    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5)
      return {limit = limit, period = period, capacity = capacity, most = most, count_denied = count_denied}
    end,
    registers = 2, first = 6, calendar = false,
    pattern = '^(%-?%d+) (%-?%d+)$', format = '%.0f %.0f',
  }
  end
  if id == 9 then
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

  return {
    step = step, settle = settle,
    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5)
      return {limit = limit, period = period, capacity = capacity, most = most, count_denied = count_denied, recovery = o1, least = o2, threshold = o3, reduction = o4}
    end,
    registers = 4, first = 6, calendar = false,
    pattern = '^(%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+)$', format = '%.0f %.0f %.0f %.0f',
  }
  end
  if id == 10 then
local CLASSES = 4

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

-- The twin of family/log.h: a log whose entries have CLASSES classes.

local function class_of(tag)
  return max(0, min(tag - 1, CLASSES - 1)) + 1
end

-- Hits of this class and above.
local function above(live, class)
  local sum = 0
  for i = class, CLASSES do sum = sum + live[i] end
  return sum
end

local function copied(live)
  local copy = {count = live.count}
  for i = 1, CLASSES do copy[i] = live[i] end
  return copy
end

-- What is left of the log at the key's time, and the edit that makes it so.
local function expired(r, now, t, log)
  local at, edit = max(now, r[1]), new_edit()
  local live = {count = r[2]}
  for i = 1, CLASSES do live[i] = r[2 + i] end
  visit_edited(log, r[2], edit, function(entry_at, cost, tag)
    if entry_at > at - t.period then return false end
    local class = class_of(tag)
    live[class] = live[class] - cost
    live.count = live.count - 1
    edit.drop_oldest = edit.drop_oldest + 1
    return true
  end)
  return at, live, edit
end

local function fits(live, class, cost, t)
  return cost <= t.limit - above(live, class) and cost <= t.hard_limit - above(live, 1)
end

-- A denial that counts takes the place of the oldest costs.
local function forget(live, edit, stored, t, log)
  visit_edited(log, stored, edit, function(_, cost, tag)
    local excess = above(live, 1) - t.limit
    local full = live.count > t.max_entries
    if excess <= 0 and not full then return false end
    local hits = full and cost or min(cost, excess)
    local class = class_of(tag)
    live[class] = live[class] - hits
    if hits < cost then
      edit.lower_oldest = hits
      return false
    end
    edit.drop_oldest = edit.drop_oldest + 1
    live.count = live.count - 1
    return true
  end)
end

-- Until the cost fits and at most `count` entries are left; 0 when that is so already.
local function wait_for(live, edit, stored, at, now, class, cost, count, t, log)
  local left, free_at = copied(live), at
  visit_edited(log, stored, edit, function(entry_at, entry_cost, tag)
    if fits(left, class, cost, t) and left.count <= count then return false end
    local entry_class = class_of(tag)
    left[entry_class] = left[entry_class] - entry_cost
    left.count = left.count - 1
    free_at = entry_at + t.period
    return true
  end)
  return free_at == at and 0 or free_at - now
end

local function tell(allowed, changes, wait, live, edit, stored, at, now, class, t, log)
  local room = min(t.limit - above(live, class), t.hard_limit - above(live, 1))
  local remaining = live.count < t.max_entries and max(room, 0) or 0
  local reset = 0
  if edit.add_cost ~= 0 then
    reset = edit.add_at + t.period - now
  elseif live.count > 0 then
    reset = log(stored - edit.drop_newest) + t.period - now
  end
  return allowed, changes, remaining, wait, reset,
    edit.drop_oldest, edit.drop_newest, edit.lower_oldest, edit.lower_newest,
    edit.add_at, edit.add_cost, edit.add_tag,
    at, live.count, unpack(live, 1, CLASSES)
end

local function step(r, now, cost, take, t, log, tag)
  local stored, class = r[2], class_of(tag)
  local at, live, edit = expired(r, now, t, log)
  local possible = cost <= t.most
  local allowed = possible and fits(live, class, cost, t) and live.count < t.max_entries
  local counts = t.count_denied == 1 and possible
  local hit, hit_edit = copied(live), new_edit()
  hit_edit.drop_oldest = edit.drop_oldest
  if cost > 0 and (allowed or counts) then
    hit_edit.add_at, hit_edit.add_cost, hit_edit.add_tag = at, cost, tag
    hit[class] = hit[class] + cost
    hit.count = hit.count + 1
    if not allowed then forget(hit, hit_edit, stored, t, log) end
  end
  local wait = 0
  if not allowed then
    wait = possible
      and wait_for(hit, hit_edit, stored, at, now, class, cost, t.max_entries - 1, t, log)
      or -1
  end
  local changes = take == 1 and (allowed or counts)
  if changes then live, edit = hit, hit_edit end
  return tell(allowed, changes, wait, live, edit, stored, at, now, class, t, log)
end

-- A full log adds it to its newest entry, whose class then holds it too.
local function debit(live, edit, amount, stored, at, class, tag, t, log)
  local full, holder = live.count >= t.max_entries, class
  if full then
    local _, _, newest_tag = log(stored)
    holder = class_of(newest_tag)
  end
  local held = max(above(live, class), above(live, holder))
  local hits = min(amount, max(t.ceiling - held, 0))
  if hits == 0 then return end
  live[holder] = live[holder] + hits
  if full then
    edit.lower_newest = -hits
  else
    edit.add_at, edit.add_cost, edit.add_tag = at, hits, tag
    live.count = live.count + 1
  end
end

local function settle(r, now, cost, t, log, tag)
  local stored, class = r[2], class_of(tag)
  local at, live, edit = expired(r, now, t, log)
  if cost > 0 then
    debit(live, edit, cost, stored, at, class, tag, t, log)
  else
    refund_newest(log, stored, live.count, -cost, edit, function(entry_tag, hits)
      local entry_class = class_of(entry_tag)
      live[entry_class] = live[entry_class] - hits
    end)
    live.count = live.count - edit.drop_newest
  end
  local within = fits(live, class, 0, t) and cost <= t.most
  local wait = 0
  if not within then
    wait = t.most == 0 and -1
      or wait_for(live, edit, stored, at, now, class, 0, live.count, t, log)
  end
  return tell(within, true, wait, live, edit, stored, at, now, class, t, log)
end

  return {
    step = step, settle = settle,
    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5)
      return {limit = limit, period = period, capacity = capacity, most = most, count_denied = count_denied, max_entries = o1, hard_limit = o2, ceiling = o3}
    end,
    registers = 6, first = 13, calendar = false,
    pattern = '^(%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+)$', format = '%.0f %.0f %.0f %.0f %.0f %.0f',
    log = 2,
    tell = function(v, stored, log, cost, t)
    v.told = 0
    end,
  }
  end
  if id == 11 then
local function step(r, now, cost, take, t)
  local v1 = max((now - (now % t.period)), r[1])
  local v2 = v1 == r[1]
  local v3 = v2 and r[3] or ((v1 == (r[1] + t.period)) and r[2] or 0)
  local v4 = t.limit + min(t.max_rollover, floor((max((t.limit - v3), 0) * t.percentage) / 1000000))
  local v5 = v2 and r[2] or 0
  local v6 = cost <= (v4 - v5)
  local v7 = v6 or ((t.count_denied == 1) and (cost <= v4))
  local v8 = v7 and (take == 1)
  local v9 = v8 and (v7 and (v6 and (v5 + cost) or max(v5, v4)) or v5) or v5
  local v10 = (v1 + t.period) - now
  local v11 = v10 + t.period
  return v6,
    v8,
    max((v4 - v9), 0),
    v6 and 0 or ((cost <= t.most) and ((cost <= (t.limit + min(t.max_rollover, floor((max((t.limit - v5), 0) * t.percentage) / 1000000)))) and v10 or v11) or -1),
    (v9 > 0) and v11 or ((v3 > 0) and v10 or 0),
    v1,
    v9,
    v3
end

local function settle(r, now, cost, t)
  local v1 = max((now - (now % t.period)), r[1])
  local v2 = v1 == r[1]
  local v3 = v2 and r[2] or 0
  local v4 = t.most + t.most
  local v5 = min(v3, v4)
  local v6 = v5 + max(min(cost, (v4 - v5)), (0 - v5))
  local v7 = max(((v2 and r[3] or ((v1 == (r[1] + t.period)) and r[2] or 0)) - max(((0 - cost) - v3), 0)), 0)
  local v8 = t.limit + min(t.max_rollover, floor((max((t.limit - v7), 0) * t.percentage) / 1000000))
  local v9 = (v6 <= v8) and (cost <= t.most)
  local v10 = (v1 + t.period) - now
  return v9,
    v9,
    max((v8 - v6), 0),
    v9 and 0 or ((t.most == 0) and -1 or v10),
    (v6 > 0) and (v10 + t.period) or ((v7 > 0) and v10 or 0),
    v1,
    v6,
    v7
end

  return {
    step = step, settle = settle,
    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5)
      return {limit = limit, period = period, capacity = capacity, most = most, count_denied = count_denied, percentage = o1, max_rollover = o2}
    end,
    registers = 3, first = 6, calendar = false,
    pattern = '^(%-?%d+) (%-?%d+) (%-?%d+)$', format = '%.0f %.0f %.0f',
  }
  end
  if id == 12 then
local function step(r, now, cost, take, t)
  local v1 = max(now, r[1])
  local v2 = (v1 >= t.from) and (v1 < t.to)
  local v3 = (v1 < t.edge) and t.before or t.after
  local v4 = v1 - (v1 % t.period)
  local v5 = (v4 == (r[1] - (r[1] % t.period))) and r[2] or 0
  local v6 = cost <= (v3 - v5)
  local v7 = v2 and v6
  local v8 = v7 or ((t.count_denied == 1) and (cost <= v3))
  local v9 = v8 and (take == 1)
  local v10 = v9 and (v8 and (v6 and (v5 + cost) or max(v5, v3)) or v5) or v5
  return v7,
    v2 and v9,
    max((v3 - v10), 0),
    v7 and 0 or (v2 and -1 or -2),
    (v10 == 0) and 0 or ((v4 + t.period) - now),
    v1,
    v10
end

local function settle(r, now, cost, t)
  local v1 = max(now, r[1])
  local v2 = (v1 >= t.from) and (v1 < t.to)
  local v3 = v1 - (v1 % t.period)
  local v4 = t.most + t.most
  local v5 = min(((v3 == (r[1] - (r[1] % t.period))) and r[2] or 0), v4)
  local v6 = v5 + max(min(cost, (v4 - v5)), (0 - v5))
  local v7 = (v1 < t.edge) and t.before or t.after
  local v8 = v2 and ((v6 <= v7) and (cost <= t.most))
  return v8,
    v2,
    max((v7 - v6), 0),
    v8 and 0 or (v2 and -1 or -2),
    (v6 == 0) and 0 or ((v3 + t.period) - now),
    v1,
    v6
end

  return {
    step = step, settle = settle,
    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5)
      return {limit = limit, period = period, capacity = capacity, most = most, count_denied = count_denied, before = o1, edge = o2, after = o3, from = o4, to = o5}
    end,
    registers = 2, first = 6, calendar = true,
    pattern = '^(%-?%d+) (%-?%d+)$', format = '%.0f %.0f',
  }
  end
  if id == 13 then
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

  return {
    step = step, settle = settle,
    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5)
      return {limit = limit, period = period, capacity = capacity, most = most, count_denied = count_denied, cost_window = o1, min_rate = o2}
    end,
    registers = 4, first = 6, calendar = false,
    pattern = '^(%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+)$', format = '%.0f %.0f %.0f %.0f',
  }
  end
end

-- What Redis runs for one command: some decisions, one after the other, over the counters KEYS. The
-- twin of backend/memory/decide.cc, whose class Round says what a decision is.
--
-- Counters are loaded once, judged and charged in Lua's memory, and written at the end; so that an
-- error on the way, or a Redis that is full or read-only, leaves nothing of it behind.
--
-- ARGV[1] is packed (script_call.cc): the time in microseconds or -1 for TIME, how many limits and
-- decisions there are, and runs, if it is plain; the limits; then for each decision its
-- charges, or for each run its decisions. The reply is a flat list of integers: the time; for each
-- decision 1 and its verdicts, or 0 and the keys' times when the terms of a calendar are not those of
-- these times, or 2 when what a key holds is no counter of ours; then nothing was charged.
--
-- A counter is a string, its registers in plain decimals; with a log it is a list, the registers
-- first and then the entries, oldest first, each `at cost tag`.

local call, try, unpack_struct = redis.call, redis.pcall, struct.unpack

local find, match, format, rep = string.find, string.match, string.format, string.rep

local MOST = 4503599627370496
local MOST_TTL_MS = 1000000000000000
local VIRTUAL_AGE_MS = 1000000000000000
local UNUSED = {0, 0, 0, 0, 0, 0}
-- The modes, as core/charge.h counts them.
local FOLLOW, LOOK, SETTLE = 1, 2, 3
-- What a decision's answer begins with.
local STALE, DECIDED, FOREIGN = 0, 1, 2

local blob = ARGV[1]
local now, limit_count, decision_count, run_count, at = unpack_struct('<dHHH', blob)
local virtual = now >= 0
if not virtual then
  local time = call('TIME')
  now = time[1] * 1000000 + time[2]
end

local limits, strategies = {}, {}
for i = 1, limit_count do
  local id, tick, limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5
  id, tick, limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5, at =
    unpack_struct('<Bddddddddddd', blob, at)
  local strategy = strategies[id] or strategy_of(id)
  strategies[id] = strategy
  limits[i] = {
    strategy = strategy, tick = tick, now = floor(now / tick),
    terms = strategy.terms(limit, period, capacity, most, count_denied, o1, o2, o3, o4, o5),
  }
end

-- Registers of what is stored, or of the error when it is no counter of ours and of another type;
-- nil: it is something else. Others' decisions in this call have nothing to do with such a key.
local function numbers(text, strategy)
  if type(text) == 'table' then
    if find(text.err, 'WRONGTYPE', 1, true) then return nil end
    error(text.err)
  end
  local registers = {match(text, strategy.pattern)}
  if #registers ~= strategy.registers then return nil end
  for i = 1, #registers do registers[i] = tonumber(registers[i]) end
  return registers
end

-- In milliseconds, at least 1; nil: the counter is as if never used, and need not be kept.
local function ttl_of(reset, tick)
  local ttl_ms = ceil((reset * tick - now % tick) / 1000)
  if virtual then return min(max(ttl_ms, 0), MOST_TTL_MS) + floor(now / 1000) + VIRTUAL_AGE_MS end
  return reset > 0 and min(max(ttl_ms, 1), MOST_TTL_MS) or nil
end

-- Most calls are plain: each decision is one charge, on a counter without a log and under a limit
-- without a calendar; those on one key are under one limit, and are a run. This is
-- what the rest of the file comes to for them, without making its functions: each of those costs a
-- call as much as an argument does, and together they would be a third of it (tests/bench/redis).
if run_count > 0 then
  local out, told = {now, 0, 0, 0, 0, 0, 0, 0}, 1
  local writes
  for _ = 1, run_count do
    local key, index, size
    key, index, size, at = unpack_struct('<HHH', blob, at)
    key = KEYS[key]
    local limit = limits[index]
    local strategy, terms, ticks = limit.strategy, limit.terms, limit.now
    local last = 5 + strategy.registers
    local text = try('GET', key)
    local registers = UNUSED
    if text then registers = numbers(text, strategy) end
    local kept
    for _ = 1, size do
      local mode, amount, v, _
      mode, _, amount, at = unpack_struct('<BBd', blob, at)
      if not registers then
        told = told + 1
        out[told] = FOREIGN
      else
        if mode == SETTLE then
          v = {strategy.settle(registers, ticks, amount, terms)}
          v[2] = true
        else
          v = {strategy.step(registers, ticks, amount, mode ~= LOOK and amount > 0 and 1 or 0, terms)}
        end
        local allowed, changes = v[1], v[2]
        -- What changes and is denied counts, and is not taken.
        out[told + 1] = DECIDED
        out[told + 2] = (allowed and 1 or 0) +
          (changes and (allowed or mode == SETTLE) and 2 or 0) + (changes and 4 or 0)
        told = told + 2
        for i = 3, last do
          told = told + 1
          out[told] = v[i]
        end
        if changes then
          kept, registers = v[5], {unpack(v, 6, last)}
        end
      end
    end
    if kept then
      writes = {
        next = writes, key = key, known = text, ttl_ms = ttl_of(kept, limit.tick),
        text = format(strategy.format, unpack(registers)),
      }
    end
  end
  while writes do
    if writes.ttl_ms then
      call('SET', writes.key, writes.text, virtual and 'PXAT' or 'PX', writes.ttl_ms)
    elseif writes.known then
      call('DEL', writes.key)
    end
    writes = writes.next
  end
  return out
end

local counters = {}
local out, told = {now}, 1

local open_log, edit_log, view_of, store_log

-- Logs are rare: what they need is made when the first one comes.
local function make_logs()
  -- Entries that are read at once: a few at either end, where hits look, and more when one walks
  -- on behind those of the old end.
  local ENDS, CHUNK = 4, 128

  local function entry_of(text)
    local at, cost, tag = match(text, '^(%d+) (%d+) (%d)$')
    return tonumber(at), tonumber(cost), tonumber(tag)
  end

  -- Entry `i` of those in Redis.
  local function stored_entry(log, i)
    local from, to = floor((i - 1 - ENDS) / CHUNK) * CHUNK + 1 + ENDS, 0
    if i <= ENDS then
      from, to = 1, ENDS
    elseif i > log.stored - ENDS then
      from, to = max(log.stored - ENDS + 1, 1), log.stored
    else
      to = from + CHUNK - 1
    end
    local part = log.parts[from]
    if not part then
      part = call('LRANGE', log.key, from, to)
      log.parts[from] = part
    end
    return entry_of(part[i - from + 1])
  end

  -- Entry `i` of those that are left, oldest first.
  local function entry(log, i)
    local kept = log.stored - log.from - log.to
    if i > kept then
      local added = log.added[i - kept]
      return added[1], added[2], added[3]
    end
    local at, cost, tag = stored_entry(log, log.from + i)
    return at, log.costs[log.from + i] or cost, tag
  end

  -- from, to: entries that left at the old and the new end. costs: those that were changed, by the
  -- number of the entry. added: behind what is stored.
  function open_log(key, stored)
    return {key = key, stored = stored, from = 0, to = 0, costs = {}, added = {}, parts = {}}
  end

  local function lower(log, i, hits)
    local kept = log.stored - log.from - log.to
    if i > kept then
      local added = log.added[i - kept]
      log.added[i - kept] = {added[1], added[2] - hits, added[3]}
    else
      local _, cost = entry(log, i)
      log.costs[log.from + i] = cost - hits
    end
  end

  -- The edit stands in the verdict from its sixth place on.
  function edit_log(log, v)
    local kept = log.stored - log.from - log.to
    local from = min(v[6], kept)
    log.from = log.from + from
    for _ = from + 1, v[6] do table.remove(log.added, 1) end
    for _ = 1, v[7] do
      if #log.added > 0 then
        table.remove(log.added)
      else
        log.to = log.to + 1
      end
    end
    if v[8] ~= 0 then lower(log, 1, v[8]) end
    local left = log.stored - log.from - log.to + #log.added
    if v[9] ~= 0 then lower(log, left, v[9]) end
    if v[11] ~= 0 then log.added[#log.added + 1] = {v[10], v[11], v[12]} end
  end

  -- What a step reads the counter's log by; an edit that waits is in it.
  function view_of(counter)
    local log = counter.log
    if counter.edit then
      local copy = {
        key = log.key, stored = log.stored, from = log.from, to = log.to, parts = log.parts,
        costs = {}, added = {},
      }
      for i, cost in pairs(log.costs) do copy.costs[i] = cost end
      for i, added in ipairs(log.added) do copy.added[i] = added end
      edit_log(copy, counter.edit)
      log = copy
    end
    return function(i) return entry(log, i) end
  end

  function store_log(counter, registers)
    local log, key = counter.log, counter.key
    local added = {}
    for i, each in ipairs(log.added) do added[i] = format('%.0f %.0f %.0f', each[1], each[2], each[3]) end
    if not counter.known then
      call('RPUSH', key, registers)
    else
      if log.to > 0 then call('LTRIM', key, 0, -log.to - 1) end
      -- The last that leaves is where the registers go.
      if log.from > 0 then call('LTRIM', key, log.from, -1) end
      call('LSET', key, 0, registers)
      for i, cost in pairs(log.costs) do
        if i > log.from and i <= log.stored - log.to then
          local at, _, tag = stored_entry(log, i)
          call('LSET', key, i - log.from, format('%.0f %.0f %.0f', at, cost, tag))
        end
      end
    end
    for i = 1, #added, 1000 do
      call('RPUSH', key, unpack(added, i, min(i + 999, #added)))
    end
  end
end

local function load(index, strategy)
  local key = KEYS[index]
  local counter = {key = key, registers = UNUSED}
  local text
  if strategy.log then
    if not open_log then make_logs() end
    text = try('LINDEX', key, 0)
  else
    text = try('GET', key)
  end
  if text then counter.registers, counter.known = numbers(text, strategy), true end
  if strategy.log and counter.registers then
    counter.log = open_log(key, counter.registers[strategy.log])
  end
  counters[index] = counter
  return counter
end

-- Verdicts are what a step returns, as a list: allowed, changes, remaining, wait, reset, with a log
-- its edit, and the registers; `taken` and what else is told stand beside it by name.

local function step(counter, limit, cost, take, tag)
  local strategy, terms = limit.strategy, limit.terms
  local v
  if strategy.log then
    local log = view_of(counter)
    v = {strategy.step(counter.registers, limit.now, cost, take, terms, log, tag)}
    strategy.tell(v, counter.registers[strategy.log], log, cost, terms)
  else
    v = {strategy.step(counter.registers, limit.now, cost, take, terms)}
  end
  v.taken = take == 1 and v[1]
  if strategy.calendar then v.cost, v.judged = cost, v end
  return v
end

local function settle(counter, limit, amount, tag)
  local strategy, terms = limit.strategy, limit.terms
  local v
  if strategy.log then
    local log = view_of(counter)
    v = {strategy.settle(counter.registers, limit.now, amount, terms, log, tag)}
    strategy.tell(v, counter.registers[strategy.log], log, nil, terms)
  else
    v = {strategy.settle(counter.registers, limit.now, amount, terms)}
  end
  v[2], v.taken = true, true
  if strategy.calendar then v.cost, v.judged = 0, v end
  return v
end

-- Makes the verdict's registers the counter's. Of several verdicts on one counter the last counts,
-- for its log too: fold() applies its edit.
local function keep(counter, limit, v)
  local first = limit.strategy.first
  counter.registers = {unpack(v, first, first + limit.strategy.registers - 1)}
  counter.limit, counter.reset = limit, v[5]
  if counter.log then counter.edit = v end
end

local function fold(counter)
  if not counter.edit then return end
  edit_log(counter.log, counter.edit)
  counter.edit = nil
end

local function tell(limit, v)
  local strategy = limit.strategy
  out[told + 1] = (v[1] and 1 or 0) + (v.taken and 2 or 0) + (v[2] and 4 or 0)
  out[told + 2], out[told + 3], out[told + 4] = v[3], v[4], v[5]
  told = told + 4
  for i = strategy.first, strategy.first + strategy.registers - 1 do
    told = told + 1
    out[told] = v[i]
  end
  if strategy.log then
    told = told + 1
    out[told] = v.told
  elseif strategy.calendar then
    -- What the wait is made of.
    out[told + 1], out[told + 2], out[told + 3] = v.cost, v.judged[6], v.judged[7]
    told = told + 3
  end
end

local is_stale, decide

-- Most decisions are one charge, and pay for no more than that: what several need, or a calendar,
-- is made when the first such comes.
local function make_groups()
  -- The times of the keys, when the terms of one are not of its time. Nor is then what follows on
  -- them: what came first goes first.
  function is_stale(charges)
    local stale = false
    local times = {}
    for i, each in ipairs(charges) do
      times[i] = -1
      if each.limit.strategy.calendar then
        local limit = each.limit
        local _, _, _, wait, _, time =
          limit.strategy.step(each.counter.registers, limit.now, 0, 0, limit.terms)
        times[i] = time
        stale = stale or wait == -2 or each.counter.stale
      end
    end
    if not stale then return false end
    told = told + 1
    out[told] = STALE
    for i, each in ipairs(charges) do
      each.counter.stale = true
      told = told + 1
      out[told] = times[i]
    end
    return true
  end

  local function takes(each) return each.mode ~= LOOK and each.amount > 0 end

  local function judge(part, take)
    for _, each in ipairs(part) do each.counter.sum, each.counter.taken = 0, 0 end
    for _, each in ipairs(part) do
      local counter = each.counter
      counter.sum = counter.sum + min(each.amount, MOST - counter.sum)
    end
    local passes = true
    for _, each in ipairs(part) do
      each.v = step(each.counter, each.limit, each.counter.sum, take and takes(each) and 1 or 0, each.tag)
      passes = passes and each.v[1]
    end
    return passes
  end

  -- Each is the step of all that was taken so far, from the counter as it was.
  local function take_in_order(part)
    for _, each in ipairs(part) do
      if each.v[1] then
        local counter, takes_it = each.counter, takes(each)
        if takes_it then counter.taken = counter.taken + min(each.amount, MOST - counter.taken) end
        if counter.taken ~= (takes_it and counter.sum or 0) then
          each.v = step(counter, each.limit, counter.taken, 1, each.tag)
        end
        each.v.taken, each.v[2] = takes_it, takes_it
      end
    end
    for _, each in ipairs(part) do
      local v = each.v
      if v[2] then
        keep(each.counter, each.limit, v)
      elseif not v[1] then
        local look = step(each.counter, each.limit, 0, 0, each.tag)
        look[1], look[4], look.cost, look.judged = false, v[4], v.cost, v.judged
        each.v = look
      end
    end
    for _, each in ipairs(part) do fold(each.counter) end
  end

  local function deny(part)
    for _, each in ipairs(part) do
      local v = each.v
      if v[2] and not v[1] then keep(each.counter, each.limit, v) end
      if v.taken then each.v = step(each.counter, each.limit, each.counter.sum, 0, each.tag) end
    end
    for _, each in ipairs(part) do fold(each.counter) end
  end

  function decide(charges)
    if is_stale(charges) then return end
    local group, follows = {}, {}
    for _, each in ipairs(charges) do
      if each.mode == SETTLE then
        each.v = settle(each.counter, each.limit, each.amount, each.tag)
        keep(each.counter, each.limit, each.v)
        fold(each.counter)
      elseif each.mode == FOLLOW then
        follows[#follows + 1] = each
      else
        group[#group + 1] = each
      end
    end
    local passes = judge(group, true)
    if passes then take_in_order(group) else deny(group) end
    judge(follows, passes)
    if passes then take_in_order(follows) end
    told = told + 1
    out[told] = DECIDED
    for _, each in ipairs(charges) do tell(each.limit, each.v) end
  end
end

-- What decide() comes to for one charge, which most decisions are.
local function decide_one(counter, limit, mode, tag, amount)
  local v
  if mode == SETTLE then
    v = settle(counter, limit, amount, tag)
  else
    v = step(counter, limit, amount, mode ~= LOOK and amount > 0 and 1 or 0, tag)
  end
  if v[2] then
    keep(counter, limit, v)
    fold(counter)
  end
  told = told + 1
  out[told] = DECIDED
  tell(limit, v)
end

local function tell_foreign()
  told = told + 1
  out[told] = FOREIGN
end

for _ = 1, decision_count do
  local size, key, limit, mode, tag, amount
  size, at = unpack_struct('<H', blob, at)
  if size == 1 then
    key, limit, mode, tag, amount, at = unpack_struct('<HHBBd', blob, at)
    limit = limits[limit]
    local counter = counters[key] or load(key, limit.strategy)
    if limit.strategy.calendar and not decide then make_groups() end
    if not counter.registers then
      tell_foreign()
    elseif not limit.strategy.calendar or not is_stale({{counter = counter, limit = limit}}) then
      decide_one(counter, limit, mode, tag, amount)
    end
  else
    if not decide then make_groups() end
    local charges, foreign = {}, false
    for i = 1, size do
      key, limit, mode, tag, amount, at = unpack_struct('<HHBBd', blob, at)
      limit = limits[limit]
      local counter = counters[key] or load(key, limit.strategy)
      charges[i] = {counter = counter, limit = limit, mode = mode, tag = tag, amount = amount}
      foreign = foreign or not counter.registers
    end
    if foreign then tell_foreign() else decide(charges) end
  end
end

for _, counter in pairs(counters) do
  local limit = counter.limit
  if limit then
    local ttl_ms = ttl_of(counter.reset, limit.tick)
    if not ttl_ms then
      if counter.known then call('DEL', counter.key) end
    else
      local registers = format(limit.strategy.format, unpack(counter.registers))
      if counter.log then
        store_log(counter, registers)
        call(virtual and 'PEXPIREAT' or 'PEXPIRE', counter.key, ttl_ms)
      else
        call('SET', counter.key, registers, virtual and 'PXAT' or 'PX', ttl_ms)
      end
    end
  end
end

return out
