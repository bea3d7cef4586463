-- Deletes a record if it is its owner's who asks.
--
-- ARGV: owner
if string.match(call('HGET', key, 'record') or '', ' owner=(.*)$') ~= ARGV[1] then
  return 'gone'
end
call('DEL', key)
return 'done'
