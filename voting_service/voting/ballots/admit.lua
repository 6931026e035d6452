#!lua name=voting_admit_VERSION

-- ③ Admit a batch of votes: one call, the server's clock, one number per vote returned.
--
-- A vote is admitted when it may be stored: its voter is within the limit, and it is not asked for
-- a challenge. Only the first admitted vote of a voter in the period is remembered as seen and
-- counts for network, device and platform. Every other try counts for its voter, and reads what the
-- others are.
--
-- A command called from here costs several times what it does by itself. So what the batch needs is
-- read at its beginning and written at its end, by a few commands for all votes together, and the
-- votes are judged in between, in their order.
--
-- KEYS[1]  the shard's hash tag, "{c1}"; every key begins with it
--   :seen:20220718       hash: bucket -> the voters seen in the period, 8 bytes each, one after another
--   :networks:2000:…     hash: network -> its limits and those of devices there (see Limits)
--   :tries:2000:…        hash: voter -> its limit
--   :busy:20220718       hash: network that was busy that day -> votes and fingerprints (see Busy)
--   :platform:3:20220718 votes of a platform with a ceiling
-- ARGV[1]  msgpack {day, hint_seconds, buckets, rates, few, kinds}
--          day (20220718) is the local day of the votes: what is counted for a day is keyed by it,
--          also where the period is a whole contest
--          rates are {voter, {{network, device}, …}}, each {interval_ms, tolerance_ms}: those of the
--          first network of a vote, of the one around it, and so on
--          few is {devices at most, votes at least, share of the network's tolerance that is busy}
--          kinds are {platform, ceiling, price, period}; price is 0 never asked, 1 asked when a
--          network or device is over its limit, 2 asked in any case (decision.py: Price)
-- ARGV[2]  the votes, one after another: voter (8 bytes), number of its kind (2), how many networks
--          (1), device (16 bytes), networks (16 bytes each, the smallest first)
-- returns  two hexadecimal digits a vote, the sum of its flags
--          1 seen before in this period   2 voter over its limit    4 a network over its limit
--          8 device over its limit there 16 few devices there      32 platform over its ceiling
--         64 newly admitted: counted for its networks

local DAY_SECONDS = 172800
local ID_BYTES, HINT_BYTES, TIME_BYTES = 16, 8, 8
local VOTE = '>c8HBc16'
local HEX = {}  -- the digits of flags that were returned before

local function ceiling_key(tag, platform, day) return tag .. ':platform:' .. platform .. ':' .. day end

-- Hashes -------------------------------------------------------------------------------------------

local MOST_WORDS = 4000  -- of a command: Lua can pass on some 8,000 values; even, for pairs

-- Adds the values of the fields that a hash has.
local function read_fields(key, fields, values)
  if #fields == 0 then return end
  for first = 1, #fields, MOST_WORDS do
    local last = math.min(first + MOST_WORDS - 1, #fields)
    local found = redis.call('HMGET', key, unpack(fields, first, last))
    for i = first, last do
      if found[i - first + 1] then values[fields[i]] = found[i - first + 1] end
    end
  end
end

-- The same of a hash that is seldom there.
local function read_seldom(key, fields, values)
  if #fields > 0 and redis.call('EXISTS', key) == 1 then read_fields(key, fields, values) end
end

local function write_fields(key, fields, ttl_command, ttl)
  if #fields == 0 then return end
  for first = 1, #fields, MOST_WORDS do
    redis.call('HSET', key, unpack(fields, first, math.min(first + MOST_WORDS - 1, #fields)))
  end
  redis.call(ttl_command, key, ttl)
end

-- Writes the changed fields of a hash, which then lives for so many seconds.
local function write_changed(key, changed, values, seconds)
  local fields, n = {}, 0
  for field in pairs(changed) do
    fields[n + 1], fields[n + 2], n = field, values[field], n + 2
  end
  write_fields(key, fields, 'EXPIRE', seconds)
end

-- Limits -------------------------------------------------------------------------------------------
-- A limit is one number, the theoretical arrival time (GCRA) in milliseconds, which matters until it
-- has passed. A voter's state is that number. A network's state is packed: HEADER, and for each device
-- with a limit there its fingerprint and its number.
--
-- States stand in hashes that expire as a whole, one for each epoch. A state that matters beyond its
-- epoch stands in that of the next one too; so one look finds every state. Epochs are short, since
-- nearly all states pass within a fraction of a second; what matters for longer than two of them
-- stands in hashes with epochs as long as any state can last, and stays there for the epoch.

local EPOCH_MS = 2000
local HEADER = '<ddI4'  -- its number; until when a number in the state matters; how many devices there
local HEADER_BYTES = 20 -- may be before those whose number has passed are removed
local NEW_NETWORK = '<ddI4c16d'
local DEVICE_BYTES = ID_BYTES + TIME_BYTES
local FIRST_REMOVAL = 8

local function epoch_key(name, length_ms, epoch)
  return name .. ':' .. string.format('%.0f:%.0f', length_ms, epoch)
end

-- The states of these voters or networks, and whose are in the long epochs. `read_short` is how the
-- hashes of short epochs are read.
local function read_states(name, longest_ms, ids, now, read_short)
  local states, long = {}, {}
  read_short(epoch_key(name, EPOCH_MS, math.floor(now / EPOCH_MS)), ids, states)
  read_seldom(epoch_key(name, longest_ms, math.floor(now / longest_ms)), ids, long)
  for id, state in pairs(long) do states[id] = state end
  return states, long
end

-- Writes the states of `changed`, which has until when each matters, to epochs of one length.
local function write_epoch(name, length_ms, now, changed, states, is_here)
  local epoch = math.floor(now / length_ms)
  local ends_at = (epoch + 1) * length_ms
  local this, following, n, m = {}, {}, 0, 0
  for id, until_ms in pairs(changed) do
    if is_here(id, until_ms) then
      this[n + 1], this[n + 2], n = id, states[id], n + 2
      if until_ms > ends_at then
        following[m + 1], following[m + 2], m = id, states[id], m + 2
      end
    end
  end
  write_fields(epoch_key(name, length_ms, epoch), this, 'PEXPIRE', length_ms)
  write_fields(epoch_key(name, length_ms, epoch + 1), following, 'PEXPIRE', 2 * length_ms)
end

local function write_states(name, longest_ms, now, changed, states, long)
  if not next(changed) then return end
  local short_until = (math.floor(now / EPOCH_MS) + 2) * EPOCH_MS
  local has_long = false
  local function is_long(id, until_ms) return until_ms > short_until or long[id] ~= nil end
  local function is_short(id, until_ms)
    if is_long(id, until_ms) then has_long = true else return true end
  end
  write_epoch(name, EPOCH_MS, now, changed, states, is_short)
  if has_long then write_epoch(name, longest_ms, now, changed, states, is_long) end
end

-- Where the number of a device stands in the state of a network; nil if it has none.
local function find_device(state, device)
  local at = string.find(state, device, HEADER_BYTES + 1, true)
  while at and (at - HEADER_BYTES - 1) % DEVICE_BYTES ~= 0 do
    at = string.find(state, device, at + 1, true)
  end
  return at and at + ID_BYTES
end

local function without_passed(devices, now)
  local kept = {}
  for at = 1, #devices, DEVICE_BYTES do
    if struct.unpack('<d', devices, at + ID_BYTES) > now then
      kept[#kept + 1] = string.sub(devices, at, at + DEVICE_BYTES - 1)
    end
  end
  return table.concat(kept), #kept
end

-- How far a number is ahead of the average rate, in milliseconds. Nothing that counts comes further
-- than the rate lets it; a number beyond that was written before the clock was set back.
local function ahead_of_average(arrival, rate, now)
  local ahead = arrival - now
  if ahead < 0 or ahead > rate[1] + rate[2] then return 0 end
  return ahead
end

-- The same of a network and of a device there, and where the device's number stands.
local function network_ahead_of_average(state, device, rates, now)
  local at = find_device(state, device)
  local device_ahead = at and ahead_of_average(struct.unpack('<d', state, at), rates[2], now) or 0
  return ahead_of_average(struct.unpack('<d', state), rates[1], now), device_ahead, at
end

-- The state with one more voter of a device, and until when it matters. A network or device that is
-- over its limit counts nothing more.
local function counted(state, device, rates, network_ahead, device_ahead, at, now)
  local network_rate, device_rate = rates[1], rates[2]
  local device_arrival = device_ahead <= device_rate[2] and now + device_ahead + device_rate[1]
  local arrival, until_ms, removal = struct.unpack(HEADER, state)
  if network_ahead <= network_rate[2] then arrival = now + network_ahead + network_rate[1] end
  until_ms = math.max(until_ms, arrival, device_arrival or 0)
  local devices = string.sub(state, HEADER_BYTES + 1)
  if device_arrival and at then
    at = at - HEADER_BYTES
    devices = string.sub(devices, 1, at - 1) .. struct.pack('<d', device_arrival)
      .. string.sub(devices, at + TIME_BYTES)
  elseif device_arrival then
    if #devices >= removal * DEVICE_BYTES then
      local count
      devices, count = without_passed(devices, now)
      removal = math.max(FIRST_REMOVAL, 2 * count)
    end
    devices = devices .. device .. struct.pack('<d', device_arrival)
  end
  return struct.pack(HEADER, arrival, until_ms, removal) .. devices, until_ms
end

-- Counts a voter of a network and a device.
local function count(batch, network, device, rates, network_ahead, device_ahead, at)
  local state, until_ms, now = batch.states[network], nil, batch.now
  if state then
    state, until_ms = counted(state, device, rates, network_ahead, device_ahead, at, now)
  else
    local arrival, device_arrival = now + rates[1][1], now + rates[2][1]
    until_ms = math.max(arrival, device_arrival)
    state = struct.pack(NEW_NETWORK, arrival, until_ms, FIRST_REMOVAL, device, device_arrival)
  end
  batch.states[network], batch.changed[network] = state, until_ms
end

-- Busy networks ------------------------------------------------------------------------------------
-- Once a network is busy, its votes and fingerprints are counted for the rest of the day until there
-- are enough of them for a crowd; quiet networks use no memory. Busy is 'crowd', or the number of
-- votes and the fingerprints, 16 bytes each, after a colon.

local CROWD = 'crowd'

local function is_new_device(devices, device)
  for at = 1, #devices, ID_BYTES do
    if string.sub(devices, at, at + ID_BYTES - 1) == device then return false end
  end
  return true
end

-- Whether a network showed too few fingerprints.
local function few_devices(batch, network, device, is_busy, counts)
  local busy, few = batch.busy[network], batch.few
  if busy == CROWD or not (busy or is_busy) then return false end
  local colon = busy and string.find(busy, ':', 1, true)
  local votes = busy and tonumber(string.sub(busy, 1, colon - 1)) or 0
  if not counts then return busy ~= nil and votes >= few[2] end
  local devices = busy and string.sub(busy, colon + 1) or ''
  votes = votes + 1
  if is_new_device(devices, device) then devices = devices .. device end
  local is_crowd = #devices > few[1] * ID_BYTES
  batch.busy[network] = is_crowd and CROWD or votes .. ':' .. devices
  batch.busy_changed[network] = true
  return not is_crowd and votes >= few[2]
end

-- One vote -----------------------------------------------------------------------------------------

-- Whether the voter was seen before; marks an admitted voter as seen.
local function seen_before(batch, period, bucket, hint, admitted)
  local seen = batch.seen[period]
  local voters = seen[bucket]
  if voters then
    local at = string.find(voters, hint, 1, true)
    while at and (at - 1) % HINT_BYTES ~= 0 do at = string.find(voters, hint, at + 1, true) end
    if at then return true end
  end
  if admitted then
    seen[bucket] = voters and voters .. hint or hint
    batch.seen_changed[period][bucket] = true
  end
  return false
end

-- Whether a platform is over its ceiling of the day.
local function over_ceiling(tag, platforms, platform, ceiling, day, counts)
  local ballots = platforms[platform]
  if not ballots then
    ballots = {stored = tonumber(redis.call('GET', ceiling_key(tag, platform, day))) or 0, new = 0}
    platforms[platform] = ballots
  end
  if counts then ballots.new = ballots.new + 1 end
  return ballots.stored + ballots.new > ceiling
end

local function count_try(batch, hint, ahead)
  local arrival = batch.now + ahead + batch.rates[1][1]
  batch.tries[hint], batch.tries_changed[hint] = arrival, arrival
end

local function flags_of(batch, hint, bucket, kind, device, networks)
  local now, rates, states = batch.now, batch.rates[2], batch.states
  local price, flag, network_over, device_over = kind[3], 0, false, false
  local tries = tonumber(batch.tries[hint])
  local voter_ahead = tries and ahead_of_average(tries, batch.rates[1], now) or 0
  local within = voter_ahead <= batch.rates[1][2]
  if not within then flag = 2 end

  local network_ahead, device_ahead, found_at = batch.network_ahead, batch.device_ahead, batch.found_at
  for i = 1, #networks do
    local state = states[networks[i]]
    local of_network, of_device, at = 0, 0, nil
    if state then
      of_network, of_device, at = network_ahead_of_average(state, device, rates[i], now)
    end
    network_over = network_over or of_network > rates[i][1][2]
    device_over = device_over or of_device > rates[i][2][2]
    network_ahead[i], device_ahead[i], found_at[i] = of_network, of_device, at
  end
  if network_over then flag = flag + 4 end
  if device_over then flag = flag + 8 end

  local asked = price == 2 or price == 1 and (network_over or device_over)
  local admitted = within and not asked
  local seen = seen_before(batch, kind[4], bucket, hint, admitted)
  local counts = admitted and not seen
  if seen then flag = flag + 1 end
  if counts then
    flag = flag + 64
  elseif within then
    count_try(batch, hint, voter_ahead)
  end

  local too_few = false
  for i = 1, #networks do
    local network, ahead = networks[i], network_ahead[i]
    if counts then count(batch, network, device, rates[i], ahead, device_ahead[i], found_at[i]) end
    local is_busy = ahead > rates[i][1][2] * batch.few[3]
    too_few = few_devices(batch, network, device, is_busy, counts) or too_few
  end
  if too_few then flag = flag + 16 end
  if kind[2] > 0 and over_ceiling(batch.tag, batch.platforms, kind[1], kind[2], batch.day, counts) then
    flag = flag + 32
  end
  return flag
end

-- A batch ------------------------------------------------------------------------------------------

-- The columns of the votes; the distinct networks; and the buckets of each period.
local function unpack_votes(packed, kinds, bucket_count)
  local votes = {hint = {}, bucket = {}, kind = {}, device = {}, networks = {}}
  local hints, of_votes, networks_of, devices = votes.hint, votes.bucket, votes.networks, votes.device
  local networks, alone, buckets = {}, {}, {}
  for i = 1, #kinds do buckets[kinds[i][4]] = {} end
  local n, at = 0, 1
  while at <= #packed do
    n = n + 1
    local hint, number, network_count, device, first = struct.unpack(VOTE, packed, at)
    local bucket, kind = struct.unpack('>I4', packed, at) % bucket_count, kinds[number]
    hints[n], of_votes[n], votes.kind[n], devices[n] = hint, bucket, kind, device
    local of_vote = network_count ~= 1 and {} or nil
    for i = 1, network_count do
      local network = string.sub(packed, first, first + ID_BYTES - 1)
      first = first + ID_BYTES
      if not alone[network] then
        alone[network] = {network}
        networks[#networks + 1] = network
      end
      if of_vote then of_vote[i] = network else of_vote = alone[network] end
    end
    networks_of[n], at = of_vote, first
    local of_period = buckets[kind[4]]
    of_period[#of_period + 1] = bucket
  end
  return votes, networks, buckets
end

local function longest_network_ms(rates)
  local longest_ms = EPOCH_MS
  for i = 1, #rates do
    for j = 1, #rates[i] do longest_ms = math.max(longest_ms, rates[i][j][1] + rates[i][j][2]) end
  end
  return longest_ms
end

local function read_batch(tag, day, rates, few, votes, networks, buckets)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local batch = {tag = tag, day = day, now = now, rates = rates, few = few, platforms = {},
    changed = {}, tries_changed = {}, busy = {}, busy_changed = {}, seen = {}, seen_changed = {},
    network_ahead = {}, device_ahead = {}, found_at = {}}
  batch.longest_ms, batch.longest_try_ms = longest_network_ms(rates[2]), rates[1][1] + rates[1][2]
  batch.states, batch.long = read_states(tag .. ':networks', batch.longest_ms, networks, now,
    read_fields)
  batch.tries, batch.long_tries = read_states(tag .. ':tries', batch.longest_try_ms, votes.hint, now,
    read_seldom)
  read_seldom(tag .. ':busy:' .. day, networks, batch.busy)
  for period, of_period in pairs(buckets) do
    batch.seen[period], batch.seen_changed[period] = {}, {}
    read_fields(tag .. ':seen:' .. period, of_period, batch.seen[period])
  end
  return batch
end

local function write_platforms(tag, platforms, day)
  for platform, ballots in pairs(platforms) do
    if ballots.new > 0 then
      local key = ceiling_key(tag, platform, day)
      redis.call('INCRBY', key, ballots.new)
      if ballots.stored == 0 then redis.call('EXPIRE', key, DAY_SECONDS) end
    end
  end
end

local function write_batch(batch, hint_seconds)
  local tag, now = batch.tag, batch.now
  write_states(tag .. ':networks', batch.longest_ms, now, batch.changed, batch.states, batch.long)
  write_states(tag .. ':tries', batch.longest_try_ms, now, batch.tries_changed, batch.tries,
    batch.long_tries)
  write_changed(tag .. ':busy:' .. batch.day, batch.busy_changed, batch.busy, DAY_SECONDS)
  for period, changed in pairs(batch.seen_changed) do
    write_changed(tag .. ':seen:' .. period, changed, batch.seen[period], hint_seconds)
  end
  write_platforms(tag, batch.platforms, batch.day)
end

local function admit(keys, args)
  local day, hint_seconds, bucket_count, rates, few, kinds = unpack(cmsgpack.unpack(args[1]))
  local votes, networks, buckets = unpack_votes(args[2], kinds, bucket_count)
  local batch, flags = read_batch(keys[1], day, rates, few, votes, networks, buckets), {}
  local hint, bucket, kind, device = votes.hint, votes.bucket, votes.kind, votes.device
  for i = 1, #hint do
    local flag = flags_of(batch, hint[i], bucket[i], kind[i], device[i], votes.networks[i])
    HEX[flag] = HEX[flag] or string.format('%02x', flag)
    flags[i] = HEX[flag]
  end
  write_batch(batch, hint_seconds)
  return table.concat(flags)
end

-- Count votes of platforms with a ceiling, where admit could not: on another shard.
-- KEYS[1]  the contest's hash tag
-- ARGV[1]  msgpack {day, {{platform, ceiling, whether it is newly admitted}, …}}
-- returns  a digit a vote: 1 if its platform is over its ceiling
local function count_platforms(keys, args)
  local day, votes = unpack(cmsgpack.unpack(args[1]))
  local platforms, over = {}, {}
  for i, vote in ipairs(votes) do
    over[i] = over_ceiling(keys[1], platforms, vote[1], vote[2], day, vote[3]) and '1' or '0'
  end
  write_platforms(keys[1], platforms, day)
  return table.concat(over)
end

-- Raise what is counted of platforms to what is stored, which a restart or FLUSHALL made it forget.
-- KEYS[1]  the contest's hash tag
-- ARGV[1]  msgpack {day, {{platform, ballots}}}
-- returns  how many counts were too low
local function raise_ceilings(keys, args)
  local day, platforms = unpack(cmsgpack.unpack(args[1]))
  local raised = 0
  for _, stored in ipairs(platforms) do
    local key = ceiling_key(keys[1], stored[1], day)
    if (tonumber(redis.call('GET', key)) or 0) < stored[2] then
      redis.call('SET', key, string.format('%.0f', stored[2]), 'EX', DAY_SECONDS)
      raised = raised + 1
    end
  end
  return raised
end

redis.register_function('voting_admit_VERSION', admit)
redis.register_function('voting_count_platforms_VERSION', count_platforms)
redis.register_function('voting_raise_ceilings_VERSION', raise_ceilings)
