-- Replaces a session that still is as it was read; its end and last seen stay.
-- KEYS  1 session
-- ARGV  1 record, 2 format and version (9 bytes) that the session must bear,
--       3 channel, 4 message for those who keep what they have read
-- Answers {'ok', last seen}, {'gone'}, {'conflict'} or {'unreadable', head}.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {'gone'}
end
local head = redis.call('GETRANGE', KEYS[1], 0, 16)
if #head < 17 then
  return {'unreadable', head}
end
if string.sub(head, 1, 9) ~= ARGV[2] then
  return {'conflict'}
end
local seen = string.sub(head, 10, 17)
local record = string.sub(ARGV[1], 1, 9) .. seen .. string.sub(ARGV[1], 18)
-- This comes first and changes nothing: a server that is full takes it, and then
-- the record as well, which takes the place of one that is there. What a source
-- has given in the place of something that is spent must not be lost.
local ttl = redis.call('PTTL', KEYS[1])
if ttl > 0 then
  redis.call('PEXPIRE', KEYS[1], ttl)
end
redis.call('SET', KEYS[1], record, 'XX', 'KEEPTTL')
redis.call('PUBLISH', ARGV[3], ARGV[4])
return {'ok', seen}
