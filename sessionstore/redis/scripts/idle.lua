-- Reads when the persons of sessions were last seen, and drops from the index
-- those that have gone.
-- KEYS  1 index, then the sessions
-- ARGV  1 for how long sessions are kept that have ended idle, then the
--       sessions' members of the index
-- Answers the 8 bytes of each, fewer of one that is damaged, 0 for each that has
-- ended idle and is kept, nil for each that has gone.
local seen = {}
for i = 2, #ARGV do
  local rest = left(KEYS[i], KEYS[1], ARGV[i], tonumber(ARGV[1]), 0)
  if not rest then
    seen[i - 1] = false
    redis.call('ZREM', KEYS[1], ARGV[i])
  else
    seen[i - 1] = rest > 0 and read('GETRANGE', KEYS[i], 9, 16) or 0
  end
end
return seen
