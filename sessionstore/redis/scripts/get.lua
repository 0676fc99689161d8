-- Reads a session.
-- KEYS  1 session
-- Answers its record and for how long it is kept in milliseconds, or nil.
local record = redis.call('GET', KEYS[1])
return record and {record, redis.call('PTTL', KEYS[1])}
