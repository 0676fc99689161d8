-- Notes activity: puts last seen and the end of a session off, never back.
-- KEYS  1 session, 2 index
-- ARGV  1 last seen as 8 bytes, 2 life from now in milliseconds, 3 member of
--       the index
-- Answers {'ok'}, {'gone'} or {'unreadable', head}.
local left = redis.call('PTTL', KEYS[1])
if left == -2 then
  return {'gone'}
end
local head = redis.call('GETRANGE', KEYS[1], 0, 16)
-- A record of another format may keep something else in those eight bytes.
if string.byte(head, 1) ~= 1 or redis.call('STRLEN', KEYS[1]) < 49 then
  return {'unreadable', head}
end
-- Life is a duration: it puts the end off even when the clock of the gateway
-- that was here before is ahead of this one's.
if tonumber(ARGV[2]) > left then
  enter(ARGV[3], ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
-- As numbers, because Lua orders strings by the server's locale.
if struct.unpack('>i8', ARGV[1]) > struct.unpack('>i8', head, 10) then
  redis.call('SETRANGE', KEYS[1], 9, ARGV[1])
end
return {'ok'}
