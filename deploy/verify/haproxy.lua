-- http-request lua.verify <policy>: asks the gateway whether the request may pass.
-- If so, the app is told who makes it; else the gateway's answer is the answer, which
-- leads people to the login page. Where there is no answer it is 503.

local verify = "http://127.0.0.1:8080/auth/verify/"
local timeout = 5000 -- milliseconds
local cookie = "sidegate" -- __Host-Http-sidegate without `insecure`

-- What the app is told. Everything that a client sends under these names has been
-- deleted before: see del-header in haproxy.cfg.
local told = {
	"x-session-user-id", "x-session-email", "x-session-account-id", "x-session-account-name", "x-session-account-admin",
	"x-session-accounts", "x-session-roles", "x-session-permissions", "x-session-id", "x-session-truncated", "x-session-assertion",
}

-- What is handed on of an answer that is no yes.
local handed = { "content-type", "location", "set-cookie", "www-authenticate", "retry-after", "cache-control", "vary", "x-login-url" }

-- What belongs to the connection or to the body, which the question has not.
local left_out = {
	["connection"] = true, ["content-length"] = true, ["expect"] = true, ["keep-alive"] = true, ["te"] = true,
	["trailer"] = true, ["transfer-encoding"] = true, ["upgrade"] = true,
}

-- each goes through the values of a header, which HAProxy counts from 0.
local function each(headers, name)
	local values, i = headers[name] or {}, -1
	return function()
		i = i + 1
		return values[i]
	end
end

-- is_ours reports whether a cookie is one of the gateway: apps know it with any blank
-- around its name, and some in any case.
local function is_ours(pair)
	local name = pair:match("^[^=]*"):gsub("[^\33-\126]", ""):lower()
	return name == cookie:lower() or name:find(cookie:lower() .. "-attempt-", 1, true) == 1
end

-- drop_credential takes every cookie of the gateway out of what the app gets.
local function drop_credential(txn)
	local kept = {}
	for value in each(txn.http:req_get_headers(), "cookie") do
		for pair in value:gmatch("[^;]+") do
			pair = pair:match("^%s*(.-)%s*$")
			if pair ~= "" and not is_ours(pair) then
				kept[#kept + 1] = pair
			end
		end
	end
	txn.http:req_del_header("cookie")
	if #kept > 0 then
		txn.http:req_add_header("cookie", table.concat(kept, "; "))
	end
end

local function question(txn)
	local headers = {}
	for name, values in pairs(txn.http:req_get_headers()) do
		if not left_out[name] then
			headers[name] = values
		end
	end
	headers["x-forwarded-method"] = { txn.f:method() }
	headers["x-forwarded-uri"] = { txn.f:pathq() }
	return headers
end

local function refuse(txn, status, reason, headers, body)
	local reply = txn:reply({ status = status, reason = reason })
	for _, name in ipairs(handed) do
		for value in each(headers, name) do
			reply:add_header(name, value)
		end
	end
	reply:set_body(body or "")
	txn:done(reply)
end

local function decide(txn, policy)
	local answer = core.httpclient():get({ url = verify .. policy .. "?redirect", headers = question(txn), timeout = timeout })
	if answer.status == 204 then
		drop_credential(txn)
		txn.http:req_del_header("x-account-id") -- which account somebody acts for the gateway says
		for _, name in ipairs(told) do
			for value in each(answer.headers, name) do
				txn.http:req_add_header(name, value)
			end
		end
		for value in each(answer.headers, "set-cookie") do
			txn:set_var("txn.sidegate_cookie", value) -- for http-response in haproxy.cfg
		end
		return true
	end
	if answer.status and answer.status >= 300 and answer.status < 500 then
		return false, answer
	end
	return nil
end

core.register_action("verify", { "http-req" }, function(txn, policy)
	local asked, yes, answer = pcall(decide, txn, policy)
	if asked and yes then
		return
	end
	if asked and yes == false then
		refuse(txn, answer.status, answer.reason, answer.headers, answer.body)
	else
		refuse(txn, 503, "Service Unavailable", { ["retry-after"] = { [0] = "2" } }, "")
	end
end, 1)
