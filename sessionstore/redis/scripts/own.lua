-- Notes whom a person's number belongs to, unless it belongs to somebody.
-- KEYS  1 whom it belongs to, 2 index of the person's sessions
-- ARGV  1 owner, 2 whom it may belong to so far, 3 1 to note it also when there
--       are sessions
-- Answers whom it belongs to then; an empty text is nobody.
local kept = redis.call('GET', KEYS[1]) or ''
if ARGV[1] == '' or kept ~= '' and kept ~= ARGV[2] then
  return kept
end
if kept == '' and ARGV[3] ~= '1' and redis.call('EXISTS', KEYS[2]) == 1 then
  return kept
end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
