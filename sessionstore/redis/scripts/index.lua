-- Put before create.lua and touch.lua: enters a session in the index of its
-- person's sessions, KEYS[2], a sorted set of session hashes scored with the
-- moment they expire. The moment is of the server's clock, so that the clocks
-- of the gateways need not agree.
local function enter(member, life)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZADD', KEYS[2], string.format('%.0f', now + life), member)
  -- The index goes with the last of its sessions.
  if redis.call('PTTL', KEYS[2]) < tonumber(life) then
    redis.call('PEXPIRE', KEYS[2], life)
  end
  -- A few that expired go with each that comes, so that the index of somebody
  -- who signs in all day does not grow. The minute is for good measure: a live
  -- session that is not in the index would outlive a revocation of them all.
  local expired = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf',
    string.format('%.0f', now - 60000), 'LIMIT', 0, 100)
  for _, gone in ipairs(expired) do
    redis.call('ZREM', KEYS[2], gone)
  end
end

