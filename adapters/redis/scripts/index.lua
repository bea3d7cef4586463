-- Writes a session into its owner's index, and removes up to 100 entries whose time has passed. The index itself lives as
-- long as its last entry.
--
-- ARGV: the session's id, the time of its entry, the time now; times are milliseconds since 1970
local key, id, deadline, now = KEYS[1], ARGV[1], ARGV[2], ARGV[3]

redis.call('ZADD', key, 'GT', deadline, id)
local passed = redis.call('ZRANGEBYSCORE', key, '-inf', '(' .. now, 'LIMIT', 0, 100)
if #passed > 0 then
  redis.call('ZREM', key, unpack(passed))
end
local last = tonumber(redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2] or deadline)
if last >= 999999999999999 then
  -- Timestamp::MAX: the session never ends.
  redis.call('PERSIST', key)
else
  redis.call('PEXPIRE', key, string.format('%.0f', math.max(1, last - now)))
end
return redis.status_reply('OK')
