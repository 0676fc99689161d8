-- Says when a session ends that may have ended.
-- KEYS  1 session, 2 index
-- ARGV  1 member of the index, 2 for how long sessions are kept that have
--       ended idle, 3 the idle timeout of this one
-- Answers how many milliseconds are left, not above 0 when it has ended, or nil
-- when it is gone.
local rest = left(KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
if not rest or rest <= 0 then
  -- Only a primary takes this: one that was replaced may not know of activity
  -- since. An index of another kind comes after that.
  local proof = redis.pcall('ZREM', KEYS[2], '')
  if type(proof) == 'table' and not string.find(proof.err, 'WRONGTYPE', 1, true) then
    return proof
  end
end
return rest
