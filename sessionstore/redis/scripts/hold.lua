-- Takes a lease that nobody has, or prolongs that of its holder.
-- KEYS  1 lease
-- ARGV  1 holder, 2 life in milliseconds
-- Answers 1, or 0 when another has it.
local holder = redis.call('GET', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if holder and holder ~= ARGV[1] then
  -- A lease without an end would keep everybody waiting for good.
  if left == -1 then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
  end
  return 0
end
if left < tonumber(ARGV[2]) then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1
