-- Gives a lease back, if that holder still has it.
-- KEYS  1 lease
-- ARGV  1 holder
-- Answers 'ok'.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 'ok'
