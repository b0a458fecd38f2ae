-- sliding_window_log.1, as Redis runs it. Made by server/strategy/script.cc; do not edit.
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

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

return {step = step, settle = settle}
