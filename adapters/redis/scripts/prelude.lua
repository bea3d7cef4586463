-- What the scripts share: each is the rest of this one, and writes to the one key that it is given. What is written is
-- made by the client; here it is only seen to that nothing came between.
--
-- A record is a hash. Its field `record` begins with columns, all in one line:
--
--   format=1 expires=<20> used=<20> nonce=<16> created=<20> credentials=<base64url>
--   [ owner=<text>][ label=<text>][ lifetime=<text>]
--
-- A time is 20 digits, milliseconds since 1970, so that times compare as texts; 18446744073709551615 is never. A text
-- is `5:hello`, its bytes counted. The nonce is another one after every write.
--
-- A state of no more than 2 KiB follows, each key on a line of its own, `4:cart=7:[1,2,3]`: most records are one field
-- to carry. The keys of a larger one are fields of their own, behind `s:`, so that a write carries what it changes.
local key, call, sub = KEYS[1], redis.call, string.sub
-- What one command takes at a time: Lua's stack is limited.
local AT_ONCE = 1000

