-- Reads a page of an index: those that come behind a place of it.
-- KEYS  1 index
-- ARGV  1 how many at most, then the score and the member at that place, which
--       need not be there any more; without them it is the beginning
-- Answers 'page', and then their members, each with its score.

-- Only a primary takes this: one that was replaced may not know of sessions that
-- were created since, and must not say that there are none.
redis.call('ZREM', KEYS[1], '')

-- behind reports whether one member comes behind another of the same score.
local function behind(one, other)
  for i = 1, math.min(#one, #other) do
    local a, b = string.byte(one, i), string.byte(other, i)
    if a ~= b then
      return a > b
    end
  end
  return #one > #other
end

-- Ranks move when members leave, and so does what is behind them: the place is
-- looked for by what stood there.
local first = 0
if ARGV[2] then
  first = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[2])
  local last = redis.call('ZCOUNT', KEYS[1], '-inf', ARGV[2])
  while first < last do
    local middle = math.floor((first + last) / 2)
    if behind(redis.call('ZRANGE', KEYS[1], middle, middle)[1], ARGV[3]) then
      last = middle
    else
      first = middle + 1
    end
  end
end
local page = redis.call('ZRANGE', KEYS[1], first, first + ARGV[1] - 1, 'WITHSCORES')
table.insert(page, 1, 'page')
return page
