-- Put before create.lua, after index.lua, read.lua and live.lua: room for one more session
-- of a person who may have only so many.
-- KEYS  2 index, from 3 on sessions that may have to end for it
-- ARGV  6 how many there may be, 0 for any number
--       7 last seen (unix ms) up to which no others are known to have been idle
--         for as long as those: the idlest are among them
--       8 shard as 2 bytes, 9 channel
--       10 how many sessions the new one replaces, then their members of the
--          index, then those of KEYS from 3 on

-- overfull says how many must end.
local function overfull(grace)
  if ARGV[6] == '0' then
    return 0
  end
  local moment = now()
  local over = live(KEYS[2], moment, grace) + 1 - ARGV[6]
  for i = 11, 10 + ARGV[10] do
    if (ends(KEYS[2], ARGV[i], grace)) > moment then
      over = over - 1
    end
  end
  return over
end

-- candidates are those of the sessions named in KEYS that have not ended, the
-- idlest first. Who has gone leaves the index, and room.
local function candidates(grace)
  local found = {}
  for i = 3, #KEYS do
    local member = ARGV[8 + ARGV[10] + i]
    local rest = left(KEYS[i], KEYS[2], member, grace, 0)
    if not rest then
      redis.call('ZREM', KEYS[2], member)
    elseif rest > 0 then
      local seen = read('GETRANGE', KEYS[i], 9, 16)
      -- Nobody can tell of one that is damaged: it has been idle for ever.
      local at = #seen == 8 and struct.unpack('>i8', seen) or -1
      found[#found + 1] = {key = i, member = member, seen = at}
    end
  end
  table.sort(found, function(a, b) return a.seen < b.seen end)
  return found
end

-- idlest are as many of the candidates as must end; fewer when it is not known
-- of so many that no others have been idle for as long.
local function idlest(found, over)
  local ending = {}
  for i = 1, math.min(over, #found) do
    if found[i].seen > tonumber(ARGV[7]) then
      break
    end
    ending[i] = found[i]
  end
  return ending
end

-- finish ends sessions, tells those who keep what they have read, and answers a
-- status with the member and the record of each.
local function finish(status, ending)
  local answer, message = {status}, {}
  for i, s in ipairs(ending) do
    answer[2 * i], answer[2 * i + 1] = s.member, read('GET', KEYS[s.key]) or ''
    message[i] = ARGV[8] .. s.member
    redis.call('DEL', KEYS[s.key])
    redis.call('ZREM', KEYS[2], s.member)
  end
  if #ending > 0 then
    redis.call('PUBLISH', ARGV[9], table.concat(message))
  end
  return answer
end

