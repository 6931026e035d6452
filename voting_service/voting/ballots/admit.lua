#!lua name=voting_admit_VERSION

-- ③ Admit a batch of votes: one call, the server's clock, one number per vote returned.
--
-- A vote is admitted when it may be stored: its voter is within the limit, and it is not asked for
-- a challenge. Only the first admitted vote of a voter in the period is remembered as seen and
-- counts for network, device and platform; every other try reads what they are and changes nothing.
--
-- KEYS[1]  the contest's hash tag, "{c1}"; every key below begins with it
-- ARGV[1]  msgpack {day, hint_seconds, rates, few, {votes}}
--          day is the local day of the votes: what is counted for a day is keyed by it, also where
--          the period is a whole contest
--          rates are {voter, {{network, device}, …}}, each {interval_ms, tolerance_ms}: those of the
--          first network of a vote, of the one around it, and so on
--          few is {devices at most, votes at least, share of the network's tolerance that is busy}
--          a vote is {voter hint (decimal int64), bucket, {networks, the smallest first}, device,
--          platform, ceiling, price, period}; price is 0 never asked, 1 asked when a network or device is over its limit,
--          2 asked in any case (decision.py: Price)
-- returns  two hexadecimal digits a vote, the sum of its flags
--          1 seen before in this period   2 voter over its limit    4 a network over its limit
--          8 device over its limit there 16 few devices there      32 platform over its ceiling

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

local function count_within(key, rate, ahead, now)
  if ahead <= rate[2] then count(key, rate, ahead, now) end
end

-- Whether a network showed too few fingerprints. Once it is busy, its votes and fingerprints are
-- counted for the rest of the day until there are enough of them for a crowd; quiet networks
-- use no memory.
local function few_devices(tag, day, network, device, few, is_busy, counts)
  local busy_key = tag .. ':busy:' .. network .. ':' .. day
  local votes = redis.call('GET', busy_key)
  if votes == 'crowd' then return false end
  if not counts then return votes and tonumber(votes) >= few[2] end
  if not (votes or is_busy) then return false end
  local devices_key = tag .. ':devices:' .. network .. ':' .. day
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

-- Whether a platform is over its ceiling of the day.
local function over_ceiling(key, ceiling, counts)
  if not counts then return (tonumber(redis.call('GET', key)) or 0) > ceiling end
  local total = redis.call('INCR', key)
  if total == 1 then redis.call('EXPIRE', key, DAY_SECONDS) end
  return total > ceiling
end

local function ceiling_key(tag, platform, day) return tag .. ':platform:' .. platform .. ':' .. day end

local function flags_of(tag, day, hint_seconds, rates, few, now, vote)
  local hint, bucket, networks, device, platform, ceiling, price, period = unpack(vote)
  local flag = 0
  local voter_key = tag .. ':voter:' .. hint
  local voter_rate, network_rates = unpack(rates)
  local voter_ahead = ahead_of_average(voter_key, now)
  local within = voter_ahead <= voter_rate[2]
  if within then count(voter_key, voter_rate, voter_ahead, now) else flag = flag + 2 end

  local ahead, network_over, device_over = {}, false, false
  for i, network in ipairs(networks) do
    local network_ahead = ahead_of_average(tag .. ':network:' .. network, now)
    local device_ahead = ahead_of_average(tag .. ':device:' .. network .. device, now)
    network_over = network_over or network_ahead > network_rates[i][1][2]
    device_over = device_over or device_ahead > network_rates[i][2][2]
    ahead[i] = {network_ahead, device_ahead}
  end
  if network_over then flag = flag + 4 end
  if device_over then flag = flag + 8 end

  local asked = price == 2 or price == 1 and (network_over or device_over)
  local admitted = within and not asked
  local seen_key = tag .. ':seen:' .. period .. ':' .. bucket
  local seen = seen_before(seen_key, hint, admitted, hint_seconds)
  local counts = admitted and not seen
  if seen then flag = flag + 1 end

  local too_few = false
  for i, network in ipairs(networks) do
    local network_rate, device_rate = unpack(network_rates[i])
    local network_ahead, device_ahead = unpack(ahead[i])
    if counts then
      count_within(tag .. ':network:' .. network, network_rate, network_ahead, now)
      count_within(tag .. ':device:' .. network .. device, device_rate, device_ahead, now)
    end
    local is_busy = network_ahead > network_rate[2] * few[3]
    too_few = few_devices(tag, day, network, device, few, is_busy, counts) or too_few
  end
  if too_few then flag = flag + 16 end
  if ceiling > 0 then
    local key = ceiling_key(tag, platform, day)
    if over_ceiling(key, ceiling, counts) then flag = flag + 32 end
  end
  return flag
end

local function admit(keys, args)
  local tag = keys[1]
  local day, hint_seconds, rates, few, votes = unpack(cmsgpack.unpack(args[1]))
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local flags = {}
  for i, vote in ipairs(votes) do
    flags[i] = string.format('%02x', flags_of(tag, day, hint_seconds, rates, few, now, vote))
  end
  return table.concat(flags)
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
redis.register_function('voting_raise_ceilings_VERSION', raise_ceilings)
