-- Reads when the persons of sessions were last seen, and drops from the index
-- those that have gone.
-- KEYS  1 index, then the sessions
-- ARGV  their members of the index
-- Answers the 8 bytes of each, fewer of one that is damaged, nil for each that
-- has gone.
local seen = {}
for i = 1, #ARGV do
  seen[i] = read('GETRANGE', KEYS[i + 1], 9, 16)
  if seen[i] == '' and redis.call('EXISTS', KEYS[i + 1]) == 0 then
    seen[i] = false
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return seen
