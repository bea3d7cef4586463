-- Makes a record where there is none, or one whose deadline has passed.
--
-- ARGV: the time; for how many ms Redis is to keep the key ('-' for ever); (field, value)..
local now, keeps = ARGV[1], ARGV[2]

if call('EXISTS', key) == 1 then
  local expires = string.match(call('HGET', key, 'record') or '', '^format=1 expires=(%d+) used=')
  if not expires or #expires ~= 20 or expires > now then
    return 'taken'
  end
  call('DEL', key)
end
for from = 3, #ARGV, AT_ONCE do
  call('HSET', key, unpack(ARGV, from, math.min(#ARGV, from + AT_ONCE - 1)))
end
if keeps ~= '-' then
  call('PEXPIRE', key, keeps)
end
return 'done'
