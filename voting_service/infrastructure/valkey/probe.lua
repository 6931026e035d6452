#!lua name=voting_probe_VERSION

-- What a vote needs of the server: that our functions are there, and that they may write.
-- KEYS[1]  a key that is written and soon forgotten
local function probe(keys)
  return redis.call('SET', keys[1], '1', 'PX', 10000)
end

redis.register_function('voting_probe_VERSION', probe)
