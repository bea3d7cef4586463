-- Writes what has become of a record, if it still is the one of which that was made; else answers what it is now.
--
-- ARGV: that one's nonce; the field `record`; and, where there is more to do: for how many ms Redis is to keep the key
-- ('' as long as it does, '-' for ever); how many fields go ('-' all); field.., (field, value)..
local found = call('HGET', key, 'record')
if not found then
  return call('EXISTS', key) == 0 and 'gone' or redis.error_reply('DAMAGED there is no field `record`')
end
if sub(found, 71, 86) ~= ARGV[1] then
  return call('HGETALL', key)
end
-- First what a full server refuses, so that it refuses all or nothing.
call('HSET', key, 'record', ARGV[2])
if not ARGV[3] then
  return 'done'
end

local keeps, last = ARGV[3], 4
if ARGV[4] == '-' then
  call('DEL', key)
  call('HSET', key, 'record', ARGV[2])
else
  last = ARGV[4] + 4
end
for from = 5, last, AT_ONCE do
  call('HDEL', key, unpack(ARGV, from, math.min(last, from + AT_ONCE - 1)))
end
for from = last + 1, #ARGV, AT_ONCE do
  call('HSET', key, unpack(ARGV, from, math.min(#ARGV, from + AT_ONCE - 1)))
end
if keeps == '-' then
  call('PERSIST', key)
elseif keeps ~= '' then
  call('PEXPIRE', key, keeps)
end
return 'done'
