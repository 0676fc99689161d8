-- Ends sessions.
-- KEYS  as many sessions as there are ARGV, then their index if it is known
-- ARGV  their members of the index
-- Answers how many there were.
local ended = 0
for i = 1, #ARGV do
  ended = ended + redis.call('DEL', KEYS[i])
end
-- They have ended, whatever state the index is in: a member that stays there
-- is dropped by the next listing.
if KEYS[#ARGV + 1] then
  redis.pcall('ZREM', KEYS[#ARGV + 1], unpack(ARGV))
end
return ended
