-- Gives fields of a record their values, or just a later deadline: what nearly every write does. So it takes few
-- arguments, and asks Redis for few things.
--
-- ARGV: the line's head; how many conditions; field.., expected.., (field, value)..
local head, conditions = ARGV[1], ARGV[2] + 0

local found = call('HMGET', key, 'record', unpack(ARGV, 3, 2 + conditions))
local line = found[1]
if not line and call('EXISTS', key) == 0 then
  return 'gone'
end
-- What is not replaced is looked at: the deadline, and where the rest begins.
local _, at = string.find(line or '', '^format=1 expires=%d+ used=')
if at ~= 43 or sub(line, 64, 70) ~= ' nonce=' or sub(line, 87, 95) ~= ' indexed=' then
  return redis.error_reply(DAMAGED)
end
local expires, used = sub(line, 18, 37), sub(line, 44, 63)
local deadline, now = sub(head, 18, 37), sub(head, 44, 63)
if expires <= now then
  return 'gone'
end
for n = 1, conditions do
  local value = found[n + 1]
  if ARGV[2 + conditions + n] ~= (value and '=' .. value or '-') then
    local record = call('HGETALL', key)
    table.insert(record, 1, 'conflict')
    return record
  end
end

-- Both only go up.
if expires > deadline or used > now then
  deadline = expires > deadline and expires or deadline
  head = 'format=1 expires=' .. deadline .. ' used=' .. (used > now and used or now) .. sub(head, 64)
end
-- What was kept and indexed until the end of these 100 seconds still is.
local is_kept = sub(expires, 1, 15) == sub(deadline, 1, 15)
if not is_kept and sub(line, 96, 115) < deadline then
  local owner = string.match(line, ' owner=(.*)$')
  return owner and {'index', owner, deadline} or redis.error_reply(DAMAGED)
end
call('HSET', key, 'record', head .. sub(line, 87), unpack(ARGV, 3 + 2 * conditions))
if not is_kept then
  keep(key, now, deadline)
end
return 'done'
