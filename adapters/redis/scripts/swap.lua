-- Writes what has become of a record, if it still is the one of which that was made; else answers what it is now.
--
-- ARGV: that one's nonce; for how many ms Redis is to keep the key ('' as long as it does, '-' for ever); how many
-- fields go; field.., (field, value)..
local nonce, keeps, removed = ARGV[1], ARGV[2], ARGV[3] + 0

local found = call('HGET', key, 'record')
if not found then
  return call('EXISTS', key) == 0 and 'gone' or redis.error_reply('DAMAGED there is no field `record`')
end
if sub(found, 71, 86) ~= nonce then
  return call('HGETALL', key)
end
-- First what a full server refuses, so that it refuses all or nothing.
for from = removed + 4, #ARGV, AT_ONCE do
  call('HSET', key, unpack(ARGV, from, math.min(#ARGV, from + AT_ONCE - 1)))
end
for from = 4, removed + 3, AT_ONCE do
  call('HDEL', key, unpack(ARGV, from, math.min(removed + 3, from + AT_ONCE - 1)))
end
if keeps == '-' then
  call('PERSIST', key)
elseif keeps ~= '' then
  call('PEXPIRE', key, keeps)
end
return 'done'
