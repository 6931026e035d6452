#!lua name=voting_tally

-- ⑦ The live counters of a contest. All keys begin with KEYS[1], the contest's hash tag:
--   :tally:live    hash: candidate -> votes, "ballots" -> ballots
--   :tally:recent  hash: transaction id -> msgpack of that batch's deltas, from the floor on
--   :tally:floor   every transaction below it is in the stored totals, so already in live
-- live = stored totals below the floor + deltas of recent. Without a floor (a new or emptied server)
-- live is invalid until the reconciler has set one.

-- ARGV[1]  msgpack of batches {xid, {field -> delta}}; a batch already applied, or
--          below the floor, changes nothing: calling again is safe.
local function count(keys, args)
  local tag = keys[1]
  local floor = tonumber(redis.call('GET', tag .. ':tally:floor')) or 0
  local applied = 0
  for _, batch in ipairs(cmsgpack.unpack(args[1])) do
    local xid, deltas = batch[1], batch[2]
    if xid >= floor and redis.call('HSETNX', tag .. ':tally:recent',
        string.format('%.0f', xid), cmsgpack.pack(deltas)) == 1 then
      for field, delta in pairs(deltas) do
        redis.call('HINCRBY', tag .. ':tally:live', field, delta)
      end
      applied = applied + 1
    end
  end
  return applied
end

-- ARGV[1]  the new floor; ARGV[2] msgpack of the stored totals below it {field -> votes}
-- returns  by how many votes live was off
-- A floor below the known one means that Postgres was restored from a backup. Its transaction ids
-- are then reused, and the deltas counted for them here are void.
local function reconcile(keys, args)
  local tag = keys[1]
  local floor = tonumber(args[1])
  local known = tonumber(redis.call('GET', tag .. ':tally:floor')) or 0
  if floor < known then redis.call('DEL', tag .. ':tally:recent') end
  local truth = cmsgpack.unpack(args[2])
  local recent = redis.call('HGETALL', tag .. ':tally:recent')
  for i = 1, #recent, 2 do
    if tonumber(recent[i]) < floor then
      redis.call('HDEL', tag .. ':tally:recent', recent[i])
    else
      for field, delta in pairs(cmsgpack.unpack(recent[i + 1])) do
        truth[field] = (truth[field] or 0) + delta
      end
    end
  end
  local drift = 0
  local live = redis.call('HGETALL', tag .. ':tally:live')
  local shown = {}
  for i = 1, #live, 2 do
    shown[live[i]] = tonumber(live[i + 1])
    if truth[live[i]] == nil then
      drift = drift + math.abs(shown[live[i]])
      redis.call('HDEL', tag .. ':tally:live', live[i])
    end
  end
  for field, votes in pairs(truth) do
    drift = drift + math.abs(votes - (shown[field] or 0))
    redis.call('HSET', tag .. ':tally:live', field, string.format('%.0f', votes))
  end
  redis.call('SET', tag .. ':tally:floor', string.format('%.0f', floor))
  return drift
end

-- Live is invalid from here on, until the reconciler sets a floor.
local function forget(keys)
  local tag = keys[1]
  return redis.call('DEL', tag .. ':tally:floor', tag .. ':tally:recent', tag .. ':tally:live')
end

-- returns  live as a flat list, or nothing when there is no floor
local function read(keys)
  local tag = keys[1]
  if redis.call('EXISTS', tag .. ':tally:floor') == 0 then return {} end
  return redis.call('HGETALL', tag .. ':tally:live')
end

redis.register_function('voting_count', count)
redis.register_function('voting_reconcile', reconcile)
redis.register_function('voting_forget', forget)
redis.register_function{function_name='voting_counts', callback=read, flags={'no-writes'}}
