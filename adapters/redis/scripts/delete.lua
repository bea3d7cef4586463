-- Deletes a record, and answers the owner that it had. No record, and one that is no hash, had none.
local line = redis.pcall('HGET', key, 'record')
local owner = type(line) == 'string' and string.match(line, ' owner=(.*)$')
call('DEL', key)
return owner and '=' .. owner or '-'
