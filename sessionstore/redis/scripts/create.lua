-- Keeps a new session, when there is room for it.
-- KEYS  1 session, 2 index, then see room.lua
-- ARGV  1 record, 2 life in milliseconds, 3 member of the index, 4 for how long
--       it is kept, 5 for how long sessions are kept that have ended idle, then
--       see room.lua
-- Answers a list that begins with 'ok', with 'taken' when there already is
-- something under the key, or with 'full' when it was not kept: what must end
-- for it has to be named. Then come the member and the record of each session
-- that has ended.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return {'taken'}
end
local grace = tonumber(ARGV[5])
local found = candidates(grace)
local over = overfull(grace)
local ending = idlest(found, over)
-- What ends here although nothing is kept was one too many in any case.
if #ending < over then
  return finish('full', ending)
end
-- The index comes first: if that fails there is no session that it lacks. And
-- what ends comes last: if there is no memory for the new one, nothing does.
enter(KEYS[2], ARGV[3], tonumber(ARGV[2]), tonumber(ARGV[4]), grace, string.sub(ARGV[1], 10, 17))
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[4])
return finish('ok', ending)
