-- Reads sessions of an index, and drops from it those that have gone.
-- KEYS  1 index, then the sessions
-- ARGV  their members of the index
-- Answers their records, nil for each that has gone.
local records = {}
for i = 1, #ARGV do
  records[i] = read('GET', KEYS[i + 1])
  if not records[i] then
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return records
