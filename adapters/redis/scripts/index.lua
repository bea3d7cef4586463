-- Writes a session into its owner's index, and takes out some that have ended. Redis keeps the index as long as its
-- last entry.
--
-- ARGV: id, until, now
local id, deadline, now = ARGV[1], ARGV[2], ARGV[3]
call('ZADD', key, 'GT', deadline, id)
local ended = call('ZRANGEBYSCORE', key, '-inf', '(' .. now, 'LIMIT', 0, 100)
if #ended > 0 then
  call('ZREM', key, unpack(ended))
end
local last = tonumber(call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2] or deadline)
-- The year 33658: never, and beyond it arithmetic would lose digits.
if last >= 999999999999999 then
  call('PERSIST', key)
else
  call('PEXPIRE', key, string.format('%.0f', math.max(1, last - now)))
end
return 'done'
