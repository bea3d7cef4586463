-- Makes a record where there is none, or one whose deadline has passed.
--
-- ARGV: `record`, its line, (field, value)..
local line = ARGV[2]
local deadline, now = sub(line, 18, 37), sub(line, 125, 144)
-- What one command takes at a time: Lua's stack is limited.
local AT_ONCE = 1000

if call('EXISTS', key) == 1 then
  local expires = string.match(call('HGET', key, 'record') or '', '^format=1 expires=(%d+) used=')
  if not expires or #expires ~= 20 or expires > now then
    return 'taken'
  end
  call('DEL', key)
end
for from = 1, #ARGV, AT_ONCE do
  call('HSET', key, unpack(ARGV, from, math.min(#ARGV, from + AT_ONCE - 1)))
end
keep(key, now, deadline)
return 'done'
