#!lua name=voting_tally_VERSION

-- ⑦ The live counters of a contest. Every function gets the same keys, in this order; in a cluster a
-- slot that is being moved refuses a call until it has all of them, so they are never read in part.
--   :tally:live     hash: candidate -> votes, "ballots" -> ballots
--   :tally:floor    the stored totals cover every transaction before it ...
--   :tally:running  ... that is not in this set
--   :tally:recent   hash: transaction id -> msgpack of {ballots stored, deltas} of its batch, the
--                   newest that the floor does not cover
--   :tally:order    sorted set of the keys of recent
--   :tally:known    hash of what Postgres is known to hold: cluster and floor, the number of ballots
--                   that it held at the last reconciliation and its millisecond, and how many were
--                   stored since
-- live = stored totals + deltas since. Without a floor (a new or emptied server) live is invalid
-- until the reconciler has set one.
-- recent is needed for what is counted between a reading of the totals and the call that sets them,
-- a moment later. So a bounded number is enough: what is missing from live after a longer pause is
-- in the next totals. No call works longer than a few milliseconds, however long anything stood.

local LIVE, FLOOR, RUNNING, RECENT, ORDER, KNOWN = 1, 2, 3, 4, 5, 6
local MOST_RECENT = 2000

local function milliseconds()
  local time = redis.call('TIME')
  return string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
end

local function drop_oldest(keys)
  local extra = redis.call('ZCARD', keys[ORDER]) - MOST_RECENT
  if extra <= 0 then return end
  local dropped = redis.call('ZPOPMIN', keys[ORDER], extra)
  for i = 1, #dropped, 2 do redis.call('HDEL', keys[RECENT], dropped[i]) end
end

-- Adds to fields of a hash: two commands, however many fields; from here each costs several times
-- what it does by itself.
local function add(key, sums)
  local fields, changed = {}, {}
  for field in pairs(sums) do fields[#fields + 1] = field end
  if #fields == 0 then return end
  local values = redis.call('HMGET', key, unpack(fields))
  for i, field in ipairs(fields) do
    changed[2 * i - 1] = field
    changed[2 * i] = string.format('%.0f', (tonumber(values[i]) or 0) + sums[field])
  end
  redis.call('HSET', key, unpack(changed))
end

-- ARGV[1]  msgpack of batches {xid, ballots stored, {field -> delta}}; a batch already applied, or
--          one that the floor covers, changes nothing: calling again is safe.
local function count(keys, args)
  local floor = tonumber(redis.call('GET', keys[FLOOR])) or 0
  local applied, total, sums = 0, 0, {}
  for _, batch in ipairs(cmsgpack.unpack(args[1])) do
    local stored, deltas = batch[2], batch[3]
    local xid = string.format('%.0f', batch[1])
    if (batch[1] >= floor or redis.call('SISMEMBER', keys[RUNNING], xid) == 1)
        and redis.call('ZADD', keys[ORDER], 'NX', xid, xid) == 1 then
      redis.call('HSET', keys[RECENT], xid, cmsgpack.pack({stored, deltas}))
      for field, delta in pairs(deltas) do sums[field] = (sums[field] or 0) + delta end
      applied, total = applied + 1, total + stored
    end
  end
  add(keys[LIVE], sums)
  if total > 0 then redis.call('HINCRBY', keys[KNOWN], 'since', total) end
  drop_oldest(keys)
  return applied
end

-- Live is invalid from here on, until the reconciler sets a floor.
local function forget(keys)
  return redis.call('DEL', keys[FLOOR], keys[RUNNING], keys[RECENT],
    keys[ORDER], keys[LIVE])
end

-- Adds the deltas that the floor does not cover to `truth` and drops the others. Returns how many
-- ballots were stored with them.
local function add_recent(keys, floor, running, truth)
  local recent = redis.call('HGETALL', keys[RECENT])
  local stored = 0
  for i = 1, #recent, 2 do
    if tonumber(recent[i]) < floor and not running[recent[i]] then
      redis.call('HDEL', keys[RECENT], recent[i])
      redis.call('ZREM', keys[ORDER], recent[i])
    else
      local batch = cmsgpack.unpack(recent[i + 1])
      stored = stored + batch[1]
      for field, delta in pairs(batch[2]) do truth[field] = (truth[field] or 0) + delta end
    end
  end
  return stored
end

local function set_floor(keys, floor, running)
  redis.call('SET', keys[FLOOR], string.format('%.0f', floor))
  redis.call('DEL', keys[RUNNING])
  for xid in pairs(running) do redis.call('SADD', keys[RUNNING], xid) end
end

local function set_live(keys, truth)
  local drift, shown, changed = 0, {}, {}
  local live = redis.call('HGETALL', keys[LIVE])
  for i = 1, #live, 2 do
    shown[live[i]] = tonumber(live[i + 1])
    if truth[live[i]] == nil then
      drift = drift + math.abs(shown[live[i]])
      redis.call('HDEL', keys[LIVE], live[i])
    end
  end
  for field, votes in pairs(truth) do
    drift = drift + math.abs(votes - (shown[field] or 0))
    if votes ~= shown[field] then
      changed[#changed + 1], changed[#changed + 2] = field, string.format('%.0f', votes)
    end
  end
  if #changed > 0 then redis.call('HSET', keys[LIVE], unpack(changed)) end
  return drift
end

-- ARGV[1]  msgpack of {cluster, floor before, floor, {running}, ballots stored, restored,
--          {field -> votes}}; the ballots and the votes are those that the floor covers
-- returns  {by how many votes live was off, ballots known to be stored, until which millisecond, and
--          how many since}; the first is -1, and the counters are forgotten, when Postgres is another cluster, its
--          floor is lower or it holds fewer ballots than known: it was restored. With `restored` the
--          counters start again from the new state.
local function reconcile(keys, args)
  local cluster, before, floor, xids, stored, restored, truth = unpack(cmsgpack.unpack(args[1]))
  local running = {}
  for _, xid in ipairs(xids) do running[string.format('%.0f', xid)] = true end
  local known = redis.call('HMGET', keys[KNOWN], 'cluster', 'floor', 'ballots', 'until',
    'since')
  local ballots, since = tonumber(known[3]) or 0, tonumber(known[5]) or 0
  if restored then forget(keys) end
  local total = stored + add_recent(keys, floor, running, truth)
  local went_back = known[1]
    and (known[1] ~= cluster or before < tonumber(known[2]) or total < ballots + since)
  if went_back and not restored then
    forget(keys)
    redis.call('HSET', keys[KNOWN], 'floor', 'inf')  -- so until it is called with restored
    return {-1, ballots, tonumber(known[4]), since}
  end
  set_floor(keys, floor, running)
  redis.call('HSET', keys[KNOWN], 'cluster', cluster,
    'floor', string.format('%.0f', floor), 'ballots', string.format('%.0f', total),
    'until', milliseconds(), 'since', 0)
  return {set_live(keys, truth), total, 0, 0}
end

-- returns  live as a flat list, or nothing when there is no floor
local function read(keys)
  if redis.call('EXISTS', keys[FLOOR]) == 0 then return {} end
  return redis.call('HGETALL', keys[LIVE])
end

redis.register_function('voting_count_VERSION', count)
redis.register_function('voting_reconcile_VERSION', reconcile)
redis.register_function('voting_forget_VERSION', forget)
redis.register_function{function_name='voting_counts_VERSION', callback=read, flags={'no-writes'}}
