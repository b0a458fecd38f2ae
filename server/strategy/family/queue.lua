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

