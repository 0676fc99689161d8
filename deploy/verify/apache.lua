-- LuaHookAccessChecker apache.lua verify: asks the gateway whether the request may
-- pass. If so, the app is told who makes it; else the gateway's answer is the answer,
-- which leads people to the login page. Where there is no answer it is 503.

local http = require "socket.http"
local ltn12 = require "ltn12"

http.TIMEOUT = 5 -- seconds

local gateway = "http://127.0.0.1:8080"
local cookie = "sidegate" -- __Host-Http-sidegate without `insecure`

-- Which policy is asked hangs on where ProxyPass has led the request, so that no
-- spelling of a path comes to an app by the policy of another. Nothing goes to a place
-- that is not named here.
local policies = {
	["http://127.0.0.1:3000"] = "site",
	["http://127.0.0.1:3001"] = "reports",
}

-- What the app is told.
local told = {
	"x-session-user-id", "x-session-email", "x-session-account-id", "x-session-account-name", "x-session-account-admin",
	"x-session-accounts", "x-session-roles", "x-session-permissions", "x-session-id", "x-session-truncated", "x-session-assertion",
}

-- What is handed on of an answer that is no yes.
local handed = { "location", "set-cookie", "www-authenticate", "cache-control", "vary", "x-login-url" }

-- What belongs to the connection or to the body, which the question has not.
local left_out = {
	["connection"] = true, ["content-length"] = true, ["expect"] = true, ["keep-alive"] = true, ["te"] = true,
	["trailer"] = true, ["transfer-encoding"] = true, ["upgrade"] = true,
}

-- By these an app may take another method than that of the request. The gateway knows
-- them as they are here, and decides: in other spellings they go nowhere.
local overrides = {
	["x-http-method-override"] = true, ["x-method-override"] = true, ["x-http-method"] = true,
	["x-http-verb-override"] = true, ["x-method"] = true,
}

-- What apache.conf says of the request.
local written = { ["x-forwarded-for"] = true, ["x-forwarded-host"] = true, ["x-forwarded-proto"] = true }

-- fold gives the spellings that an app may take for one header one name.
local function fold(name)
	return (name:lower():gsub("[^%w]", "-"))
end

-- claims reports whether a header is one of those that a client has no say in, in any
-- spelling that an app may take for it: who makes the request, and what it is.
local function claims(name)
	local folded = fold(name)
	if overrides[folded] then
		return not overrides[name:lower()]
	end
	if folded:find("^x%-forwarded%-") then
		return not written[name:lower()]
	end
	return folded:find("^x%-session%-") or folded:find("^x%-original%-")
end

local function upgrades(r)
	for option in (r.headers_in["Connection"] or ""):gmatch("[^,%s]+") do
		if option:lower() == "upgrade" then
			return true
		end
	end
	return false
end

local function question(r)
	local headers = {}
	for name, value in pairs(r:headers_in_table()) do
		if not left_out[name:lower()] and not claims(name) then
			headers[name:lower()] = value
		end
	end
	headers["x-forwarded-method"] = r.method
	headers["x-forwarded-uri"] = r.unparsed_uri
	headers["connection"] = "close"
	return headers
end

-- tell has the app know who makes the request, and nothing of the credential.
local function tell(r, answer)
	for name in pairs(r:headers_in_table()) do
		if claims(name) then
			r.headers_in[name] = nil
		end
	end
	-- What Connection names Apache takes away, also what is told here. Another protocol is
	-- asked for by both headers, and Upgrade alone must not become that here (RFC 9110
	-- section 7.8).
	if not upgrades(r) then
		r.headers_in["Upgrade"] = nil
	end
	r.headers_in["Connection"] = r.headers_in["Upgrade"] and "Upgrade" or nil
	for _, name in ipairs(told) do
		if answer[name] then
			r.headers_in[name] = answer[name]
		end
	end
	local kept = {}
	for pair in (r.headers_in["Cookie"] or ""):gmatch("[^;]+") do
		pair = pair:match("^%s*(.-)%s*$")
		if pair:match("^[^=%s]*") ~= cookie then
			kept[#kept + 1] = pair
		end
	end
	r.headers_in["Cookie"] = #kept > 0 and table.concat(kept, "; ") or nil
end

local function decide(r, policy)
	local _, status, answer = http.request({
		url = gateway .. "/auth/verify/" .. policy .. "?redirect",
		headers = question(r), redirect = false, sink = ltn12.sink.null(),
	})
	if status == 204 then
		tell(r, answer)
		r.err_headers_out["Set-Cookie"] = answer["set-cookie"] -- those go with every answer
		return apache2.OK
	end
	if type(status) ~= "number" or status < 300 or status >= 500 then
		return 503
	end
	for _, name in ipairs(handed) do
		if answer[name] then
			r.err_headers_out[name] = answer[name]
		end
	end
	return status
end

function verify(r)
	local place = (r.filename or ""):match("^proxy:(https?://[^/]+)/")
	if place == gateway then
		return apache2.DECLINED
	end
	if not place or not policies[place] then
		return 404
	end
	local asked, status = pcall(decide, r, policies[place])
	return asked and status or 503
end
