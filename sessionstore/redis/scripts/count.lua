-- Counts the sessions of a person that have not ended.
-- KEYS  1 index
-- ARGV  1 for how long sessions are kept that have ended idle
-- Answers how many; nil where the index is of another kind.
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then
  return false
end
return live(KEYS[1], now(), tonumber(ARGV[1]))
