#!lua name=voting_admit

-- ③ Admit a batch of votes: one call, the server's clock, one string of flags back.
--
-- KEYS[1]  the contest's hash tag, "{c1}"; every key below begins with it
-- ARGV[1]  msgpack {period, day_seconds, buckets, {voter rate}, {network rate}, {votes}}
--          a rate is {interval_ms, tolerance_ms}
--          a vote is {voter hint (decimal int64), bucket, network or "", platform, ceiling}
-- returns  one character a vote: 48 + sum of flags
--          1 seen before in this period   2 voter over its limit
--          4 network over its limit       8 platform over its ceiling

local function conforms(key, interval, tolerance, now)
  local arrival = tonumber(redis.call('GET', key)) or now
  if arrival < now then arrival = now end
  if arrival - now > tolerance then return false end
  arrival = arrival + interval
  redis.call('SET', key, string.format('%.0f', arrival), 'PX', math.max(1, math.ceil(arrival - now)))
  return true
end

local function admit(keys, args)
  local tag = keys[1]
  local period, keep_seconds, voter_rate, network_rate, votes = unpack(cmsgpack.unpack(args[1]))
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local flags = {}
  for i, vote in ipairs(votes) do
    local hint, bucket, network, platform, ceiling = unpack(vote)
    local flag = 48
    local seen_key = tag .. ':seen:' .. period .. ':' .. bucket
    local added = redis.call('SADD', seen_key, hint)
    if added == 0 then
      flag = flag + 1
    elseif redis.call('SCARD', seen_key) == 1 then
      redis.call('EXPIRE', seen_key, keep_seconds)
    end
    if not conforms(tag .. ':voter:' .. hint, voter_rate[1], voter_rate[2], now) then
      flag = flag + 2
    end
    if network ~= '' and
       not conforms(tag .. ':network:' .. network, network_rate[1], network_rate[2], now) then
      flag = flag + 4
    end
    if ceiling > 0 then
      -- Seen before counts no more, but if its ballot is missing it is judged by the count.
      local ceiling_key = tag .. ':platform:' .. platform .. ':' .. period
      local total
      if added == 1 then
        total = redis.call('INCR', ceiling_key)
        if total == 1 then redis.call('EXPIRE', ceiling_key, keep_seconds) end
      else
        total = tonumber(redis.call('GET', ceiling_key)) or 0
      end
      if total > ceiling then flag = flag + 8 end
    end
    flags[i] = string.char(flag)
  end
  return table.concat(flags)
end

redis.register_function('voting_admit', admit)
