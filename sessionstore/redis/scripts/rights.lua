-- Tries each command that a script or a gateway asks for, on a key of nobody's.
-- KEYS  1 that key, with which nothing is done afterwards
-- ARGV  1 channel
-- Answers those that fail, each as its name and what Redis says. That need be
-- no refusal: a replica takes no writes from anybody.
local key, failed = KEYS[1], {}
local function try(command, ...)
  local answer = redis.pcall(command, ...)
  if type(answer) == 'table' and answer.err then
    failed[#failed + 1] = command
    failed[#failed + 1] = answer.err
  end
end
try('TIME')
try('EXISTS', key)
try('SET', key, 'x', 'PX', 1000)
try('SETRANGE', key, 0, 'y')
try('GETRANGE', key, 0, 0)
try('STRLEN', key)
try('GET', key)
try('PTTL', key)
try('DEL', key)
try('INCR', key)
try('DECR', key)
try('INCRBY', key, 1)
try('PEXPIRE', key, 1000)
try('DEL', key)
try('ZADD', key, 0, 'x')
try('ZSCORE', key, 'x')
try('ZCOUNT', key, '-inf', '+inf')
try('ZRANGE', key, 0, 0)
try('ZRANGEBYSCORE', key, '-inf', '+inf')
try('PEXPIRE', key, 1000)
try('ZREM', key, 'x')
try('DEL', key)
-- A message that names no session tells nobody anything.
try('PUBLISH', ARGV[1], '')
return failed
