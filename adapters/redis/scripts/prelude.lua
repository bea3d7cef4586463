-- What the scripts share: each is the rest of this one, and writes to the one key that it is given.
--
-- A record is a hash. Its field `record` is one line of columns, so that a read and a write have few fields to carry:
--
--   format=1 expires=<20> used=<20> nonce=<16> indexed=<20> created=<20> credentials=<base64url>[ owner=<the rest>]
--
-- A time is 20 digits, milliseconds since 1970, so that times compare as texts; 18446744073709551615 is never.
-- `indexed` says until when the owner's index knows of the session: always, where there is no owner. The line up to its
-- nonce is its head.
--
-- The state's keys stand behind `s:`, with raw JSON values that are never parsed here: Lua's numbers would lose digits.
local key, call, sub = KEYS[1], redis.call, string.sub
local DAMAGED = 'DAMAGED this is no record that a script can change'

-- Has Redis keep the key for the 100 seconds in which its deadline lies, and for the next: so that most writes need not
-- say so again, and servers' clocks may differ by that much. By how much is left, not by the clock of this server.
local function keep(key, now, deadline)
  -- The year 33658: never, and beyond it arithmetic would lose digits.
  if deadline >= '00000999999999999999' then
    redis.call('PERSIST', key)
  else
    local left = (string.sub(deadline, 1, 15) .. '99999') + 100000 - now
    redis.call('PEXPIRE', key, string.format('%.0f', math.max(1, left)))
  end
end

