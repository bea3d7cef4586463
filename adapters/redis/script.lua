-- Every write to Redis, each on the one key that it is given: KEYS[1]. ARGV[1] names the verb.
--
-- A record is a hash. Its field `record` is one line, so that a read and a write have few fields to carry:
--
--   format=1 nonce=<hex> used=<ms> expires=<ms> created=<ms> credentials=<hex>[ indexed=<ms> owner=<the rest>]
--
-- Its state's keys stand behind `s:`, with raw JSON values that are never parsed here: Lua's numbers would lose digits.
-- For the same reason times stay decimal texts of milliseconds.
local key = KEYS[1]
local call = redis.call
-- What nearly every write changes stands in front; the rest passes through as it is.
local RECORD = '^format=1 nonce=%x+ used=(%d+) expires=(%d+)( created=.*)$'
local DAMAGED = 'DAMAGED this is no record that this script can change'
-- Beyond this (the year 33658) a deadline never comes, and arithmetic would lose digits.
local NEVER = '999999999999999'
-- What one command takes at a time: Lua's stack is limited.
local AT_ONCE = 1000

local function later(a, b)
  return #a > #b or (#a == #b and a > b)
end

-- By how much is left, not by the clock of this server, which may differ from the one that the deadline was made with.
local function expire(now, deadline)
  if later(deadline, NEVER) then
    call('PERSIST', key)
  else
    call('PEXPIRE', key, string.format('%.0f', math.max(1, tonumber(deadline) - tonumber(now))))
  end
end

-- The record, and (field, value).. from there on. The first write is one that a full server refuses, so that it refuses
-- all or nothing.
local function set(record, at)
  call('HSET', key, 'record', record, unpack(ARGV, at, math.min(#ARGV, at + AT_ONCE - 1)))
  for from = at + AT_ONCE, #ARGV, AT_ONCE do
    call('HSET', key, unpack(ARGV, from, math.min(#ARGV, from + AT_ONCE - 1)))
  end
end

local function unset(from, last)
  for from = from, last, AT_ONCE do
    call('HDEL', key, unpack(ARGV, from, math.min(last, from + AT_ONCE - 1)))
  end
end

-- now, nonce, deadline, count of conditions, count of fields that go,
-- (for `update_more`: whether the deadline replaces, whether to clear, owner, indexed owner, indexed until, credentials
-- expected, credentials to be,) field.., expected.., field that goes.., (field, value)..
local function update()
  local now, nonce, deadline, conditions = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
  local is_more = ARGV[1] == 'update_more'
  local at = is_more and 14 or 7

  local found = call('HMGET', key, 'record', unpack(ARGV, at, at + math.min(conditions, AT_ONCE) - 1))
  if not found[1] and call('EXISTS', key) == 0 then
    return 'gone'
  end
  local used, expires, rest = string.match(found[1] or '', RECORD)
  if not used then
    return redis.error_reply(DAMAGED)
  end
  if not later(expires, now) then
    return 'gone'
  end

  local holds = not is_more or ARGV[12] == '' or ARGV[12] == string.match(rest, ' credentials=(%x+)')
  for n = 1, conditions do
    local value = found[n + 1]
    if n > AT_ONCE then
      value = call('HGET', key, ARGV[at + n - 1])
    end
    holds = holds and ARGV[at + conditions + n - 1] == (value and '=' .. value or '-')
  end
  if not holds then
    local record = call('HGETALL', key)
    table.insert(record, 1, 'conflict')
    return record
  end
  at = at + 2 * conditions

  if later(expires, deadline) and not (is_more and ARGV[7] == '1') then
    deadline = expires
  end
  if is_more or string.find(rest, ' owner=', 1, true) then
    local kept, owned = string.match(rest, '^( created=%d+ credentials=%x+)(.*)$')
    if not kept then
      return redis.error_reply(DAMAGED)
    end
    local until_then, had = string.match(owned, '^ indexed=(%d+) owner=(.*)$')
    local owner, known, known_until = had, '', ''
    if is_more then
      known, known_until = ARGV[10], ARGV[11]
      if ARGV[9] ~= '' then
        owner = ARGV[9] ~= '-' and string.sub(ARGV[9], 2)
      end
      if ARGV[13] ~= '' then
        kept = string.gsub(kept, '%x+$', ARGV[13])
      end
    end
    rest = kept
    if owner then
      -- The owner's index must know of the session until its deadline, and before the record says so.
      local indexed = owner == had and until_then or '0'
      if known == '=' .. owner and later(known_until, indexed) then
        indexed = known_until
      end
      if later(later(deadline, NEVER) and NEVER or deadline, indexed) then
        return {'index', owner, deadline}
      end
      rest = rest .. ' indexed=' .. indexed .. ' owner=' .. owner
    end
  end

  local gone = tonumber(ARGV[6])
  local record = 'format=1 nonce=' .. nonce .. ' used=' .. (later(now, used) and now or used)
    .. ' expires=' .. deadline .. rest
  if is_more and ARGV[8] == '1' then
    -- Before anything is taken away: see `set`.
    call('HSET', key, 'record', record)
    for _, field in ipairs(call('HKEYS', key)) do
      if string.sub(field, 1, 2) == 's:' then
        call('HDEL', key, field)
      end
    end
  end
  set(record, at + gone)
  unset(at, at + gone - 1)
  if deadline ~= expires then
    expire(now, deadline)
  end
  return 'done'
end

-- The most frequent verb does not make the functions of the others.
local verb = ARGV[1]
if verb == 'update' or verb == 'update_more' then
  return update()
end

-- now, deadline, record, (field, value)..
local function create()
  local now, deadline = ARGV[2], ARGV[3]
  local found = call('HGET', key, 'record')
  local expires = found and string.match(found, ' expires=(%d+) ')
  if expires and not later(expires, now) then
    call('DEL', key)
  elseif found or call('EXISTS', key) == 1 then
    return 'taken'
  end
  set(ARGV[4], 5)
  expire(now, deadline)
  return 'done'
end

local function owner_of(record)
  return type(record) == 'string' and string.match(record, ' owner=(.*)$')
end

-- Answers the owner that it had. No record, and one that is no hash, had none.
local function delete()
  local owner = owner_of(redis.pcall('HGET', key, 'record'))
  call('DEL', key)
  return owner and '=' .. owner or '-'
end

-- owner
local function revoke()
  if owner_of(call('HGET', key, 'record')) ~= ARGV[2] then
    return 'gone'
  end
  call('DEL', key)
  return 'done'
end

-- In an owner's index: id, until, now
local function index()
  local id, deadline, now = ARGV[2], ARGV[3], ARGV[4]
  call('ZADD', key, 'GT', deadline, id)
  local ended = call('ZRANGEBYSCORE', key, '-inf', '(' .. now, 'LIMIT', 0, 100)
  if #ended > 0 then
    call('ZREM', key, unpack(ended))
  end
  expire(now, call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2] or deadline)
  return 'done'
end

local verbs = {create = create, delete = delete, revoke = revoke, index = index}
return verbs[verb]()
