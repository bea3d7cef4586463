-- Changes a record in every way there is, however large it is.
--
-- ARGV: the line's head; how many conditions; how many fields go; whether the deadline replaces the one that is there;
-- whether to clear; the owner to be; which owner's index knows of it, and until when; the credentials expected, and to
-- be; field.., expected.., field that goes.., (field, value)..
local head, conditions, removed, replaces, clears = ARGV[1], ARGV[2] + 0, ARGV[3] + 0, ARGV[4] == '1', ARGV[5] == '1'
local change, known, known_until, expected, credentials = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local at = 11
-- What one command takes at a time: Lua's stack is limited.
local AT_ONCE = 1000

local line = call('HGET', key, 'record')
if not line and call('EXISTS', key) == 0 then
  return 'gone'
end
local expires, used, indexed, created, had, tail = string.match(
  line or '',
  '^format=1 expires=(%d+) used=(%d+) nonce=%x+ indexed=(%d+)( created=%d+ credentials=)([%w_-]+)(.*)$'
)
local owned = string.match(tail or '', '^ owner=(.*)$')
local widths = created and #expires == 20 and #used == 20 and #indexed == 20 and #created == 42
if not widths or sub(line, 87, 95) ~= ' indexed=' or (tail ~= '' and not owned) then
  return redis.error_reply(DAMAGED)
end
local deadline, now = sub(head, 18, 37), sub(head, 44, 63)
if expires <= now then
  return 'gone'
end

local holds = expected == '' or expected == had
for n = at, at + conditions - 1 do
  local value = holds and call('HGET', key, ARGV[n])
  holds = holds and ARGV[conditions + n] == (value and '=' .. value or '-')
end
if not holds then
  local record = call('HGETALL', key)
  table.insert(record, 1, 'conflict')
  return record
end
at = at + 2 * conditions

-- Both only go up, but for a lifetime of its own that the session is given.
if expires > deadline and not replaces then
  deadline = expires
end
if used > now then
  now = used
end
local owner = owned
if change ~= '' then
  owner = change ~= '-' and sub(change, 2)
end
if owner then
  -- The owner's index must know of the session until its deadline, and before the record says so.
  indexed = owner == owned and indexed or '00000000000000000000'
  if known == '=' .. owner and known_until > indexed then
    indexed = known_until
  end
  if indexed < deadline then
    return {'index', owner, deadline}
  end
  tail = ' owner=' .. owner
else
  indexed, tail = '18446744073709551615', ''
end

-- First what a full server refuses, so that it refuses all or nothing.
line = 'format=1 expires=' .. deadline .. ' used=' .. now .. sub(head, 64)
  .. ' indexed=' .. indexed .. created .. (credentials ~= '' and credentials or had) .. tail
call('HSET', key, 'record', line)
if clears then
  for _, field in ipairs(call('HKEYS', key)) do
    if sub(field, 1, 2) == 's:' then
      call('HDEL', key, field)
    end
  end
end
for from = at, at + removed - 1, AT_ONCE do
  call('HDEL', key, unpack(ARGV, from, math.min(at + removed, from + AT_ONCE) - 1))
end
for from = at + removed, #ARGV, AT_ONCE do
  call('HSET', key, unpack(ARGV, from, math.min(#ARGV, from + AT_ONCE - 1)))
end
keep(key, sub(head, 44, 63), deadline)
return 'done'
