-- Keeps a new session.
-- KEYS  1 session, 2 index
-- ARGV  1 record, 2 life in milliseconds, 3 member of the index
-- Answers 'ok', or 'taken' when there already is something under the key.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 'taken'
end
-- The index comes first: if that fails there is no session that it lacks.
enter(ARGV[3], ARGV[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'ok'
