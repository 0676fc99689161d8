-- Put before scripts that read sessions: what a command answers, and nothing in
-- the place of a value of another kind, which nobody can read either. Any other
-- error ends the script.
local function read(...)
  local answer = redis.pcall(...)
  if type(answer) ~= 'table' then
    return answer
  end
  if string.find(answer.err, 'WRONGTYPE', 1, true) then
    return ''
  end
  return redis.call(...)
end

