-- Every write to Redis, each on the one key that it is given: KEYS[1]. ARGV[1] names the verb.
--
-- A record is a hash. Its state's keys stand behind `s:`, with raw JSON values that are never parsed here: Lua's numbers
-- would lose digits. For the same reason times stay decimal texts of milliseconds.
local key = KEYS[1]
local FORMAT = '1'
-- Beyond this (the year 33658) a deadline never comes, and arithmetic would lose digits.
local NEVER = '999999999999999'

local function later(a, b)
  return #a > #b or (#a == #b and a > b)
end

local function is_number(text)
  return text and string.match(text, '^%d+$')
end

-- By how much is left, not by the clock of this server, which may differ from the one that the deadline was made with.
local function expire(now, deadline)
  if later(deadline, NEVER) then
    redis.call('PERSIST', key)
  else
    redis.call('PEXPIRE', key, string.format('%.0f', math.max(1, tonumber(deadline) - tonumber(now))))
  end
end

local function set_pairs(first)
  for at = first, #ARGV, 2 do
    redis.call('HSET', key, ARGV[at], ARGV[at + 1])
  end
end

-- now, nonce, deadline, (field, value)..
local function create()
  local now, nonce, deadline = ARGV[2], ARGV[3], ARGV[4]
  local found = redis.call('HGET', key, 'expires')
  if found and not later(found, now) then
    redis.call('DEL', key)
  elseif found or redis.call('EXISTS', key) == 1 then
    return 'taken'
  end
  redis.call('HSET', key, 'format', FORMAT, 'nonce', nonce, 'expires', deadline)
  set_pairs(5)
  expire(now, deadline)
  return 'done'
end

-- now, nonce, deadline, whether it replaces, whether to clear, owner, indexed owner, indexed until,
-- count, (field, expected).., count, field.., (field, value)..
local function update()
  local now, nonce, deadline, replaces, clears = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
  local found = redis.call('HMGET', key, 'format', 'expires', 'used', 'owner', 'indexed')
  if not found[2] and redis.call('EXISTS', key) == 0 then
    return 'gone'
  end
  if found[1] ~= FORMAT or not is_number(found[2]) or not is_number(found[3]) then
    return redis.error_reply('DAMAGED this is no record that this script can change')
  end
  if not later(found[2], now) then
    return 'gone'
  end

  local at = 11
  for _ = 1, tonumber(ARGV[10]) do
    local value = redis.call('HGET', key, ARGV[at])
    if ARGV[at + 1] ~= (value and '=' .. value or '-') then
      local record = redis.call('HGETALL', key)
      table.insert(record, 1, 'conflict')
      return record
    end
    at = at + 2
  end

  if replaces == '0' and later(found[2], deadline) then
    deadline = found[2]
  end
  local owner = found[4]
  if ARGV[7] ~= '' then
    owner = ARGV[7] ~= '-' and string.sub(ARGV[7], 2)
  end
  -- The owner's index must know of the session until its deadline, and before the record says so.
  local indexed = owner == found[4] and found[5] or '0'
  if owner and ARGV[8] == '=' .. owner and later(ARGV[9], indexed) then
    indexed = ARGV[9]
  end
  if owner and later(later(deadline, NEVER) and NEVER or deadline, indexed) then
    return {'index', owner, deadline}
  end

  -- The first write is one that a full server refuses, so that it refuses all or nothing.
  redis.call('HSET', key, 'nonce', nonce, 'expires', deadline, 'used', later(now, found[3]) and now or found[3])
  if deadline ~= found[2] then
    expire(now, deadline)
  end
  if owner then
    redis.call('HSET', key, 'owner', owner, 'indexed', indexed)
  elseif found[4] then
    redis.call('HDEL', key, 'owner', 'indexed')
  end
  if clears == '1' then
    for _, field in ipairs(redis.call('HKEYS', key)) do
      if string.sub(field, 1, 2) == 's:' then
        redis.call('HDEL', key, field)
      end
    end
  end
  local removed = tonumber(ARGV[at])
  for _ = 1, removed do
    at = at + 1
    redis.call('HDEL', key, ARGV[at])
  end
  set_pairs(at + 1)
  return 'done'
end

-- Answers the owner that it had. No record, and one that is no hash, had none.
local function delete()
  local owner = redis.pcall('HGET', key, 'owner')
  redis.call('DEL', key)
  return type(owner) == 'string' and '=' .. owner or '-'
end

-- owner
local function revoke()
  if redis.call('HGET', key, 'owner') ~= ARGV[2] then
    return 'gone'
  end
  redis.call('DEL', key)
  return 'done'
end

-- In an owner's index: id, until, now
local function index()
  local id, deadline, now = ARGV[2], ARGV[3], ARGV[4]
  redis.call('ZADD', key, 'GT', deadline, id)
  local ended = redis.call('ZRANGEBYSCORE', key, '-inf', '(' .. now, 'LIMIT', 0, 100)
  if #ended > 0 then
    redis.call('ZREM', key, unpack(ended))
  end
  expire(now, redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2] or deadline)
  return 'done'
end

local verbs = {create = create, update = update, delete = delete, revoke = revoke, index = index}
return verbs[ARGV[1]]()
