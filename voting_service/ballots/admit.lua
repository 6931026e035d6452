#!lua name=voting_admit

-- ③ Admit a batch of votes: one call, the server's clock, one number a vote back.
--
-- KEYS[1]  the contest's hash tag, "{c1}"; every key below begins with it
-- ARGV[1]  msgpack {period, hint_seconds, rates, few, {votes}}
--          rates are {{voter}, {network}, {device}}, each {interval_ms, tolerance_ms}
--          few is {devices at most, votes at least, share of the network's tolerance that is busy}
--          a vote is {voter hint (decimal int64), bucket, network or "", device, platform, ceiling}
-- returns  two hexadecimal digits a vote, the sum of its flags
--          1 seen before in this period   2 voter over its limit    4 network over its limit
--          8 device over its limit       16 few devices there      32 platform over its ceiling

local DAY_SECONDS = 172800

local function conforms(key, rate, now)
  local interval, tolerance = rate[1], rate[2]
  local arrival = tonumber(redis.call('GET', key)) or now
  if arrival < now then arrival = now end
  local ahead = arrival - now
  if ahead > tolerance then return false, ahead end
  arrival = arrival + interval
  redis.call('SET', key, string.format('%.0f', arrival), 'PX', math.max(1, math.ceil(arrival - now)))
  return true, ahead
end

-- The flags of a network and the device on it. Once a network is busy its votes and fingerprints
-- are counted for the rest of the period, however slow it gets, until it has shown enough of them
-- to be a crowd; the many quiet networks cost no memory.
local function machine(tag, period, network, device, rates, few, now)
  local flag = 0
  local within, ahead = conforms(tag .. ':network:' .. network, rates[2], now)
  if not within then flag = flag + 4 end
  if not conforms(tag .. ':device:' .. network .. device, rates[3], now) then flag = flag + 8 end
  local busy_key = tag .. ':busy:' .. network .. ':' .. period
  local votes = redis.call('GET', busy_key)
  if votes == 'crowd' or not (votes or ahead > rates[2][2] * few[3]) then return flag end
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
  elseif votes >= few[2] then
    flag = flag + 16
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
    local hint, bucket, network, device, platform, ceiling = unpack(vote)
    local flag = 0
    local seen_key = tag .. ':seen:' .. period .. ':' .. bucket
    local added = redis.call('SADD', seen_key, hint)
    if added == 0 then
      flag = flag + 1
    elseif redis.call('SCARD', seen_key) == 1 then
      redis.call('EXPIRE', seen_key, hint_seconds)
    end
    if not conforms(tag .. ':voter:' .. hint, rates[1], now) then
      flag = flag + 2
    end
    if network ~= '' then
      flag = flag + machine(tag, period, network, device, rates, few, now)
    end
    if ceiling > 0 then
      -- Seen before counts no more, but if its ballot is missing it is judged by the count.
      local ceiling_key = tag .. ':platform:' .. platform .. ':' .. period
      local total
      if added == 1 then
        total = redis.call('INCR', ceiling_key)
        if total == 1 then redis.call('EXPIRE', ceiling_key, DAY_SECONDS) end
      else
        total = tonumber(redis.call('GET', ceiling_key)) or 0
      end
      if total > ceiling then flag = flag + 32 end
    end
    flags[i] = string.format('%02x', flag)
  end
  return table.concat(flags)
end

redis.register_function('voting_admit', admit)
