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

