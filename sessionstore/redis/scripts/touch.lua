-- Notes activity: puts last seen and the end of a session off, never back.
-- KEYS  1 session, 2 index
-- ARGV  1 last seen as 8 bytes, 2 life from now in milliseconds, 3 member of
--       the index, 4 for how long it is then kept, 5 for how long sessions are
--       kept that have ended idle, 6 how long ago the person was seen, 7 for how
--       long nobody could write since the session was last seen, 8 its idle
--       timeout
-- Answers {'ok'}, {'gone'}, {'idle', how long is left} or {'unreadable', head}.
local life, kept, grace = tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5])
local ago, lost = tonumber(ARGV[6]), tonumber(ARGV[7])
local rest = left(KEYS[1], KEYS[2], ARGV[3], grace, tonumber(ARGV[8]))
if not rest then
  return {'gone'}
end
local head = redis.call('GETRANGE', KEYS[1], 0, 16)
-- A record of another format may keep something else in those eight bytes.
if string.byte(head, 1) ~= 1 or redis.call('STRLEN', KEYS[1]) < 49 then
  return {'unreadable', head}
end
-- It has ended, unless the person was seen before that and this comes late.
if rest + lost <= 0 and (rest + lost + ago <= 0 or life <= rest) then
  return {'idle', string.format('%.0f', rest)}
end
-- Life is a duration: it puts the end off even when the clock of the gateway
-- that was here before is ahead of this one's.
local ttl = redis.call('PTTL', KEYS[1])
-- This comes first, even when it changes nothing: a server that is full takes
-- it, and then all else that a script writes. Were people not noted as active
-- while it is full, they would all be signed out.
redis.call('PEXPIRE', KEYS[1], math.max(ttl, kept, 1))
local seen = string.sub(head, 10, 17)
-- As numbers, because Lua orders strings by the server's locale.
if struct.unpack('>i8', ARGV[1]) > struct.unpack('>i8', seen) then
  seen = ARGV[1]
  redis.call('SETRANGE', KEYS[1], 9, seen)
end
enter(KEYS[2], ARGV[3], life, kept, grace, seen)
return {'ok'}
