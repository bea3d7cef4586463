-- Puts a record in the place of another one, if the stored record has that one's nonce. Otherwise answers the stored
-- value: nil or an empty string if there is no record.
--
-- ARGV[1]: the nonce, which is bytes 18 to 33 of a record
-- ARGV[2]: the TTL: 'keep', 'none', or milliseconds
-- ARGV[3]: the new record; if it is empty, the record is deleted, and the empty string remains as its tombstone
-- ARGV[4]: optional, the length of the stored record: ARGV[3] then is only the beginning of the new one, and the rest of
--          the stored record stays
local call, key, ttl, record, length = redis.call, KEYS[1], ARGV[2], ARGV[3], ARGV[4]

if call('GETRANGE', key, '18', '33') ~= ARGV[1] or length and call('STRLEN', key) ~= tonumber(length) then
  return call('GET', key)
end

if length then
  call('SETRANGE', key, '0', record)
  if ttl == 'none' then
    call('PERSIST', key)
  elseif ttl ~= 'keep' then
    call('PEXPIRE', key, ttl)
  end
  return redis.status_reply('OK')
end

if record == '' then
  -- A full server refuses to store a tombstone, but not behind a delete.
  call('DEL', key)
end
if ttl == 'keep' then
  return call('SET', key, record, 'KEEPTTL')
elseif ttl == 'none' then
  return call('SET', key, record)
end
return call('SET', key, record, 'PX', ttl)
