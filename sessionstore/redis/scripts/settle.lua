-- Notes that replicas have confirmed a number.
-- KEYS  1 number of a name
-- ARGV  1 unconfirmed, 2 confirmed
-- Answers 'ok'.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2])
end
return 'ok'
