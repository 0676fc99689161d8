-- Reads sessions of an index, and drops from it those that have gone.
-- KEYS  1 index, then the sessions
-- ARGV  their members of the index
-- Answers their records: nil for each that has gone, and nothing in the place
-- of a value of another kind, which nobody can read either.
local records = {}
for i = 1, #ARGV do
  local record = redis.pcall('GET', KEYS[i + 1])
  if type(record) == 'table' then
    if not string.find(record.err, 'WRONGTYPE', 1, true) then
      return record
    end
    record = ''
  end
  records[i] = record
  if not record then
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return records
