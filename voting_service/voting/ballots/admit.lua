#!lua name=voting_admit

-- ③ Admit a batch of votes: one call, the server's clock, one number per vote returned.
--
-- A vote is admitted when it may be stored: its voter is within the limit, and it is not asked for
-- a challenge. Only the first admitted vote of a voter in the period is remembered as seen and
-- counts for network, device and platform; every other try reads what they are and changes nothing.
--
-- KEYS[1]  the contest's hash tag, "{c1}"; every key below begins with it
-- ARGV[1]  msgpack {period, hint_seconds, rates, few, {votes}}
--          rates are {{voter}, {network}, {device}}, each {interval_ms, tolerance_ms}
--          few is {devices at most, votes at least, share of the network's tolerance that is busy}
--          a vote is {voter hint (decimal int64), bucket, network or "", device, platform, ceiling,
--          price}; price is 0 never asked, 1 asked when network or device are over their limit,
--          2 asked in any case (decision.py: Price)
-- returns  two hexadecimal digits a vote, the sum of its flags
--          1 seen before in this period   2 voter over its limit    4 network over its limit
--          8 device over its limit       16 few devices there      32 platform over its ceiling

local DAY_SECONDS = 172800

-- How many milliseconds the owner of the key is ahead of its average rate.
local function ahead_of_average(key, now)
  local arrival = tonumber(redis.call('GET', key)) or now
  return math.max(0, arrival - now)
end

local function count(key, rate, ahead, now)
  local left = ahead + rate[1]
  redis.call('SET', key, string.format('%.0f', now + left), 'PX', math.max(1, math.ceil(left)))
end

-- Whether a network showed too few fingerprints. Once it is busy, its votes and fingerprints are
-- counted for the rest of the period until there are enough of them for a crowd; quiet networks
-- use no memory.
local function few_devices(tag, period, network, device, few, is_busy, counts)
  local busy_key = tag .. ':busy:' .. network .. ':' .. period
  local votes = redis.call('GET', busy_key)
  if votes == 'crowd' then return false end
  if not counts then return votes and tonumber(votes) >= few[2] end
  if not (votes or is_busy) then return false end
  local devices_key = tag .. ':devices:' .. network .. ':' .. period
  votes = redis.call('INCR', busy_key)
  redis.call('PFADD', devices_key, device)
  if votes == 1 then
    redis.call('EXPIRE', busy_key, DAY_SECONDS)
    redis.call('EXPIRE', devices_key, DAY_SECONDS)
  end
  if redis.call('PFCOUNT', devices_key) > few[1] then
    redis.call('SET', busy_key, 'crowd', 'EX', DAY_SECONDS)
    redis.call('DEL', devices_key)
    return false
  end
  return votes >= few[2]
end

-- Whether the voter was seen before; marks an admitted voter as seen.
local function seen_before(key, hint, admitted, hint_seconds)
  if not admitted then return redis.call('SISMEMBER', key, hint) == 1 end
  if redis.call('SADD', key, hint) == 0 then return true end
  if redis.call('SCARD', key) == 1 then redis.call('EXPIRE', key, hint_seconds) end
  return false
end

-- Whether a platform is over its ceiling.
local function over_ceiling(key, ceiling, counts)
  if not counts then return (tonumber(redis.call('GET', key)) or 0) > ceiling end
  local total = redis.call('INCR', key)
  if total == 1 then redis.call('EXPIRE', key, DAY_SECONDS) end
  return total > ceiling
end

local function flags_of(tag, period, hint_seconds, rates, few, now, vote)
  local hint, bucket, network, device, platform, ceiling, price = unpack(vote)
  local flag = 0
  local voter_key = tag .. ':voter:' .. hint
  local voter_ahead = ahead_of_average(voter_key, now)
  local within = voter_ahead <= rates[1][2]
  if within then count(voter_key, rates[1], voter_ahead, now) else flag = flag + 2 end

  local network_key, device_key, network_ahead, device_ahead
  local network_over, device_over = false, false
  if network ~= '' then
    network_key = tag .. ':network:' .. network
    device_key = tag .. ':device:' .. network .. device
    network_ahead = ahead_of_average(network_key, now)
    device_ahead = ahead_of_average(device_key, now)
    network_over = network_ahead > rates[2][2]
    device_over = device_ahead > rates[3][2]
    if network_over then flag = flag + 4 end
    if device_over then flag = flag + 8 end
  end

  local asked = price == 2 or price == 1 and (network_over or device_over)
  local admitted = within and not asked
  local seen_key = tag .. ':seen:' .. period .. ':' .. bucket
  local seen = seen_before(seen_key, hint, admitted, hint_seconds)
  local counts = admitted and not seen
  if seen then flag = flag + 1 end

  if network ~= '' then
    if counts and not network_over then count(network_key, rates[2], network_ahead, now) end
    if counts and not device_over then count(device_key, rates[3], device_ahead, now) end
    local is_busy = network_ahead > rates[2][2] * few[3]
    if few_devices(tag, period, network, device, few, is_busy, counts) then flag = flag + 16 end
  end
  if ceiling > 0 then
    local ceiling_key = tag .. ':platform:' .. platform .. ':' .. period
    if over_ceiling(ceiling_key, ceiling, counts) then flag = flag + 32 end
  end
  return flag
end

local function admit(keys, args)
  local tag = keys[1]
  local period, hint_seconds, rates, few, votes = unpack(cmsgpack.unpack(args[1]))
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local flags = {}
  for i, vote in ipairs(votes) do
    flags[i] = string.format('%02x', flags_of(tag, period, hint_seconds, rates, few, now, vote))
  end
  return table.concat(flags)
end

redis.register_function('voting_admit', admit)
