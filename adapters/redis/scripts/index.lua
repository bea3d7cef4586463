-- Writes a session into its owner's index, and takes out some that have ended.
--
-- ARGV: id, until, now
local id, deadline, now = ARGV[1], ARGV[2], ARGV[3]
call('ZADD', key, 'GT', deadline, id)
local ended = call('ZRANGEBYSCORE', key, '-inf', '(' .. now, 'LIMIT', 0, 100)
if #ended > 0 then
  call('ZREM', key, unpack(ended))
end
keep(key, now, string.format('%020.0f', call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2] or deadline))
return 'done'
