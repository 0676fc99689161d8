-- Keeps a value for good, unless there is one already.
-- KEYS  1 what is claimed
-- ARGV  1 value
-- Answers the value that is kept.
local kept = redis.call('GET', KEYS[1]) or ARGV[1]
-- Written even when it was there: a write is what replicas confirm, and it
-- takes away an end that somebody else may have given the key.
redis.call('SET', KEYS[1], kept)
return kept
