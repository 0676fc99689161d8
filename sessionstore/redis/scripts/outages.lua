-- Reads when this server could not be written.
-- KEYS  1 outages
-- Answers the time in milliseconds, and the outages.
local time = redis.call('TIME')
return {time[1] * 1000 + math.floor(time[2] / 1000), redis.call('GET', KEYS[1]) or ''}
