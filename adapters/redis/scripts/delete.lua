-- Deletes a record, and answers the owner that it had. No record, and one that is no hash, had none.
local found = redis.pcall('HGET', key, 'record')
local bytes, at = string.match(type(found) == 'string' and found or '', '^[%w_-]+ owner=(%d+):()', 129)
call('DEL', key)
return bytes and '=' .. sub(found, at, at + bytes - 1) or '-'
