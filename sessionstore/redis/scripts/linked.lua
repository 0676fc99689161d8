-- Reads a page of the sessions that are linked to a name.
-- KEYS  1 links of the name
-- ARGV  1 score that the page begins with, 2 how many of that score to skip,
--       3 size of the page
-- Answers members and their scores, by turns.
drop_ended(tonumber(ARGV[3]))
local from, skip = ARGV[1], ARGV[2]
if tonumber(from) <= now then
  from, skip = '(' .. number(now), 0
end
return redis.call('ZRANGEBYSCORE', KEYS[1], from, '+inf', 'WITHSCORES', 'LIMIT', skip, ARGV[3])
