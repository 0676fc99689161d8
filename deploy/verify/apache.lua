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

-- What apache.conf says of the request.
local written = { ["x-forwarded-for"] = true, ["x-forwarded-host"] = true, ["x-forwarded-proto"] = true }

-- What nobody but a gateway or a proxy in front of the app has a say in: how it begins,
-- and names.
local beginnings = {
	"x-session-", "x-original-", "x-forwarded-",
	-- Who somebody is, as the presets of `headers` in a policy have it.
	"remote-", "x-remote-", "x-auth-", "x-authentik-", "x-webauth-", "impersonate-",
	-- The same, as other gateways and clouds have it.
	"x-goog-", "x-appengine-user-", "cf-access-", "cf-client-cert-", "x-amzn-oidc-", "x-amzn-mtls-", "x-ms-client-principal", "x-ms-token-",
	"x-pomerium-", "tailscale-", "x-vouch-", "teleport-jwt-", "oidc-", "mellon-", "shib-", "x-consumer-", "x-authenticated-", "x-credential-",
	"x-token-subject", "x-token-user-", "sm-", "oam-", "iv-", "x-proxy-ext-",
	-- Certificates of clients.
	"ssl-client-", "x-ssl-client-", "x-client-cert", "client-cert",
}
local names = {}
for name in ([[
	forwarded x-real-ip x-rewrite-url x-replaced-path x-envoy-original-path x-script-name x-request-uri
	x-scope-orgid x-endpoint-api-userinfo x-apigateway-api-userinfo x-userinfo x-id-token x-anonymous-consumer x-jwt-assertion cas-user l5d-client-id
	x-proxy-user x-proxy-roles x-proxy-remote-user x-sso-user kubeflow-userid kubeflow-groups x-rstudio-username thanos-tenant
	x-arr-clientcert x-ssl-cert x-client-dn x-client-verify
]]):gmatch("%S+") do
	names[name] = true
end

-- claims reports whether a header is one of those that a client has no say in. Names with
-- other characters than letters, digits and - are other spellings of those without to many
-- apps: all of them are.
local function claims(name)
	name = name:lower()
	if written[name] then
		return false
	end
	if names[name] or name:find("[^%w-]") then
		return true
	end
	for _, beginning in ipairs(beginnings) do
		if name:find(beginning, 1, true) == 1 then
			return true
		end
	end
	return false
end

-- is_ours reports whether a cookie is one of the gateway: apps know it with any blank
-- around its name, and some in any case.
local function is_ours(pair)
	local name = pair:match("^[^=]*"):gsub("[^\33-\126]", ""):lower()
	return name == cookie:lower() or name:find(cookie:lower() .. "-attempt-", 1, true) == 1
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
	r.headers_in["X-Account-Id"] = nil -- which account somebody acts for the gateway says
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
	-- Several lines of cookies have become one, with commas.
	for pair in (r.headers_in["Cookie"] or ""):gsub(",(%s*" .. cookie .. ")", ";%1"):gmatch("[^;]+") do
		pair = pair:match("^%s*(.-)%s*$")
		if pair ~= "" and not is_ours(pair) then
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
