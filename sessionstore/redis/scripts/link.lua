-- Links a session to a name, for so long at least.
-- KEYS  1 links of the name
-- ARGV  1 session, 2 life in milliseconds
-- Answers 'ok'.
drop_ended(100)
local ends = now + tonumber(ARGV[2])
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) < ends then
  redis.call('ZADD', KEYS[1], number(ends), ARGV[1])
end
-- The key goes with the last of its links.
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 'ok'
