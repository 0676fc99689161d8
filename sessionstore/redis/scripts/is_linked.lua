-- Reports whether a session is linked to a name.
-- KEYS  1 links of the name
-- ARGV  1 session
-- Answers 1, or 0.
-- None need be dropped to tell: this is for the write that only a primary takes.
drop_ended(0)
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ends and tonumber(ends) > now then
  return 1
end
return 0
