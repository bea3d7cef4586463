-- Works on the record of another crate. It answers OK if it wrote; otherwise the stored value and its TTL: nil and -2
-- without a key, -1 for a key that never ends.
--
-- ARGV[1]: the bytes to compare with; without any argument, the script only reads
-- ARGV[2]: the TTL: 'none', or milliseconds; 'delete' deletes the key
-- ARGV[3]: the new record
local key, base, ttl, record = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local found = redis.call('GET', key)

-- Without a key, `found` is false.
if not base or found ~= base then
  return { found, redis.call('PTTL', key) }
end
if ttl == 'delete' then
  redis.call('DEL', key)
elseif ttl == 'none' then
  redis.call('SET', key, record)
else
  redis.call('SET', key, record, 'PX', ttl)
end
return redis.status_reply('OK')
