-- Ends sessions.
-- KEYS  as many sessions as there are members, then their index if it is known
-- ARGV  1 channel, 2 message for those who keep what they have read, then the
--       sessions' members of the index
-- Answers how many there were.
local count = #ARGV - 2
local ended = 0
for i = 1, count do
  ended = ended + redis.call('DEL', KEYS[i])
end
-- They have ended, whatever state the index is in: a member that stays there
-- is dropped by the next listing.
if KEYS[count + 1] then
  redis.pcall('ZREM', KEYS[count + 1], unpack(ARGV, 3))
end
-- Last, for a user of Redis who may not publish must still end sessions; and
-- also when there were none, for somebody may keep what has long been ended.
redis.call('PUBLISH', ARGV[1], ARGV[2])
return ended
