-- Deletes a record if it is its owner's who asks.
--
-- ARGV: the column that says so
local found = call('HGET', key, 'record') or ''
local at = string.match(found, '^[%w_-]+()', 129)
if not at or sub(found, at, at + #ARGV[1] - 1) ~= ARGV[1] then
  return 'gone'
end
call('DEL', key)
return 'done'
