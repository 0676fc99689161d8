-- Proves that this server can be written, and notes for how long it could not.
-- KEYS  1 outages
-- ARGV  1 how late a beat may be in milliseconds, 2 how many outages are kept,
--       3 for how long this is kept
-- Answers 'ok', or OOM, with the beat noted all the same. The value is a row of moments, 8 bytes each: the last beat, and
-- where each outage began and ended.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local value = redis.call('GET', KEYS[1]) or ''
local past = ''
if #value >= 8 and #value % 16 == 8 then
  local due = struct.unpack('>i8', value) + tonumber(ARGV[1])
  past = string.sub(value, 9)
  if due < now then
    past = past .. struct.pack('>i8i8', due, now)
  end
  past = string.sub(past, -16 * tonumber(ARGV[2]))
end
local noted = struct.pack('>i8', now) .. past
if not redis.pcall('SET', KEYS[1], noted, 'PX', ARGV[3]).err then
  return 'ok'
end
-- This comes first and changes nothing: a server that is full takes it, and then
-- the rest as well. People can be noted as active there in the same way. Any
-- other one refuses this too, and so the whole.
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('SET', KEYS[1], noted, 'PX', ARGV[3])
return redis.error_reply("OOM the beat is noted, and nothing new can be kept")
