-- Ends sessions.
-- KEYS  as many sessions as there are members, then their index if it is known
-- ARGV  1 channel, 2 message for those who keep what they have read, 3 for how
--       long sessions are kept that have ended idle, 4 whether the doubtful are
--       asked for (1), then the sessions' members of the index
-- Answers how many of them had not ended before, and how many were there: those
-- that have ended idle are kept for a while. An outage may have kept them alive,
-- of which a script cannot know: so the doubtful come behind that, each as its
-- place among the members, how many milliseconds were left of it, and its record.
local count = #ARGV - 4
local ended, there = 0, 0
local doubtful = {}
for i = 1, count do
  local rest = left(KEYS[i], KEYS[count + 1], ARGV[i + 4], tonumber(ARGV[3]), 0)
  local record = rest and rest <= 0 and ARGV[4] == '1' and read('GET', KEYS[i])
  if redis.call('DEL', KEYS[i]) == 1 then
    there = there + 1
    if rest and rest > 0 then
      ended = ended + 1
    elseif record then
      doubtful[#doubtful + 1] = {i, rest, record}
    end
  end
end
-- They have ended, whatever state the index is in: a member that stays there
-- is dropped by the next listing.
if KEYS[count + 1] then
  redis.pcall('ZREM', KEYS[count + 1], unpack(ARGV, 5))
end
-- Last, for a user of Redis who may not publish must still end sessions; and
-- also when there were none, for somebody may keep what has long been ended.
redis.call('PUBLISH', ARGV[1], ARGV[2])
local answer = {ended, there}
for _, d in ipairs(doubtful) do
  for j = 1, 3 do
    answer[#answer + 1] = d[j]
  end
end
return answer
