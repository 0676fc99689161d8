-- Takes one attempt back out of a bucket. The last one takes the bucket along,
-- so that its window begins with the next attempt.
-- KEYS  1 bucket
-- Answers 'ok'.
local count = tonumber(redis.call('GET', KEYS[1]) or '0')
if not count then
  return redis.error_reply('WRONGTYPE the bucket does not hold a number')
end
if count > 1 then
  redis.call('DECR', KEYS[1])
elseif count == 1 then
  redis.call('DEL', KEYS[1])
end
return 'ok'
