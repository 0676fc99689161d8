-- Put before the scripts that ask when a session ends, or say so. All moments
-- are of the server's clock, so that the clocks of the gateways need not agree.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The score of a session in its index is when its key need not be kept any
-- longer: grace after its end. Behind the point stands which last seen that goes
-- by, of which it is given the 8 bytes: their last ten bits, and never nothing.
-- An older gateway writes when the session ends, and nothing behind the point.
local function mark(seen)
  return (string.byte(seen, 7) % 4 * 512 + string.byte(seen, 8) * 2 + 1) / 2048
end

-- When the session ends by its score, and the mark of that; 0 and nil when it is
-- not in the index, or that is of another kind.
local function ends(index, member, grace)
  local score = index and redis.pcall('ZSCORE', index, member)
  if type(score) ~= 'string' then
    return 0, nil
  end
  local moment = math.floor(tonumber(score))
  local marked = tonumber(score) - moment
  return marked == 0 and moment or moment - grace, marked
end

-- How many milliseconds are left until the session ends idle, or with its life:
-- 0 or less when that was so long ago and it is only kept for a while, nil when
-- it is gone. Its key does not always live longer than the session by grace: not
-- where an older gateway has written it, nor when the whole life is nearly over;
-- then the index knows. What may have ended and is not in the index is gone:
-- nothing shall come back that a revocation of them all would not find. An index
-- that is lost or of another kind says nothing.
local function left(session, index, member, grace, idle)
  local ttl = redis.call('PTTL', session)
  if ttl == -2 then
    return nil
  end
  local rest = ttl == -1 and 1 or ttl - grace
  local moment, marked = ends(index, member, grace)
  if not marked then
    if rest <= 0 and index and redis.call('EXISTS', index) == 1 then
      return nil
    end
    return math.max(rest, 1)
  end
  rest = ttl == -1 and moment - now() or math.max(rest, moment - now())
  -- An older gateway that finds a key which lives longer than its idle timeout
  -- notes activity in last seen alone, by its own clock.
  if rest <= 0 and marked ~= 0 and idle > 0 then
    local seen = redis.call('GETRANGE', session, 9, 16)
    if #seen == 8 and mark(seen) ~= marked then
      rest = math.max(rest, struct.unpack('>i8', seen) + idle - now())
    end
  end
  return rest
end

-- Enters a session in the index of its person's sessions, a sorted set of
-- session hashes; kept is for how long there is a key of the session.
local function enter(index, member, life, kept, grace, seen)
  local moment = math.max(now() + life, (ends(index, member, grace)))
  redis.call('ZADD', index, string.format('%.11f', moment + grace + mark(seen)), member)
  -- The index goes with the last of its sessions.
  if redis.call('PTTL', index) < kept then
    redis.call('PEXPIRE', index, kept)
  end
  -- A few that expired go with each that comes, so that the index of somebody
  -- who signs in all day does not grow. The minute is for good measure: a live
  -- session that is not in the index would outlive a revocation of them all.
  local expired = redis.call('ZRANGEBYSCORE', index, '-inf',
    string.format('%.0f', now() - 60000), 'LIMIT', 0, 100)
  for _, gone in ipairs(expired) do
    redis.call('ZREM', index, gone)
  end
end

