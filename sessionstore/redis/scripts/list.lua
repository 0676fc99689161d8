-- Reads sessions of an index, and drops from it those that have gone.
-- KEYS  1 index, then the sessions
-- ARGV  1 for how long sessions are kept that have ended idle, then the
--       sessions' members of the index
-- Answers their records, each with how many milliseconds are left of it, not
-- above 0 when it may have ended; both nil for one that has gone.
local answer = {}
for i = 2, #ARGV do
  local record = read('GET', KEYS[i])
  local rest = record and left(KEYS[i], KEYS[1], ARGV[i], tonumber(ARGV[1]), 0)
  answer[2 * i - 3], answer[2 * i - 2] = rest and record or false, rest or false
  if not record then
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return answer
