-- Counts an attempt, unless the bucket is full.
-- KEYS  1 bucket
-- ARGV  1 limit, 2 window in milliseconds
-- Answers {count, 0}, or {count, milliseconds until the window ends}.
local count = tonumber(redis.call('GET', KEYS[1]) or '0')
if not count then
  return redis.error_reply('WRONGTYPE the bucket does not hold a number')
end
local left = redis.call('PTTL', KEYS[1])
-- A bucket without an end would shut somebody out for good.
if left == -1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
if left < 0 then
  left = tonumber(ARGV[2])
end
if count >= tonumber(ARGV[1]) then
  return {count, math.max(left, 1)}
end
if count == 0 then
  redis.call('SET', KEYS[1], '1', 'PX', ARGV[2])
  return {1, 0}
end
return {redis.call('INCR', KEYS[1]), 0}
