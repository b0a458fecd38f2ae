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
