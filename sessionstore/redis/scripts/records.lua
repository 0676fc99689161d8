-- Reads sessions, whosever they are.
-- KEYS  sessions
-- Answers the record of each; nil for one that has gone.
local answer = {}
for i = 1, #KEYS do
  answer[i] = read('GET', KEYS[i])
end
return answer
