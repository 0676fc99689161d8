-- Put before link.lua, linked.lua and is_linked.lua: the time, and the dropping of links that
-- have ended, by the server's clock. KEYS[1] is a sorted set of sessions,
-- scored with the moment at which their links end (unix ms).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function number(n) return string.format('%.0f', n) end

-- No more than that many at a time, and once more with the next who come. The
-- command is sent even when there are none: only a primary takes it, and one
-- that was replaced must not say which links there are.
local function drop_ended(many)
  local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', number(now), 'LIMIT', 0, many)
  redis.call('ZREM', KEYS[1], '', unpack(ended))
end

