-- Put before the scripts that count the sessions of a person, after index.lua.

-- live counts the sessions of an index that have not ended. Only the index need be asked: it
-- has every session that lives, and until when. Of those that an older gateway
-- has entered without the grace it looks at a page.
local function live(index, moment, grace)
  local due = string.format('%.0f', moment + grace)
  local count = redis.call('ZCOUNT', index, '(' .. due, '+inf')
  local kept = redis.call('ZRANGEBYSCORE', index, string.format('(%.0f', moment), due, 'WITHSCORES', 'LIMIT', 0, 500)
  for i = 2, #kept, 2 do
    if tonumber(kept[i]) % 1 == 0 then
      count = count + 1
    end
  end
  return count
end

