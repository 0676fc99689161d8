package main

// Names of arms that ratios are taken of.
const (
	armRespond  = "respond"
	armHeaders  = "respond-headers"
	armProxy    = "proxy"
	armStatic   = "proxy-9-headers"
	armCookie   = "gateway-cookie"
	armBearer   = "gateway-bearer"
	armCacheOff = "gateway-cache-off"
	armSession  = "gateway-session"
	armUnix     = "gateway-unix"
	armProxyU   = "proxy-unix"
	armPlain    = "gateway-no-compression"
	armFewConns = "gateway-32-idle-conns"
	armOurs     = "gateway-sidegate"
	armProxyO   = "proxy-sidegate"
	armShipped  = "gateway-shipped"
	armOffToo   = "gateway-shipped-cache-off"
	armProxyL   = "proxy-lazy"
	armGOGC     = "gateway-gogc-" // and how many percent
)

// collectors are settings of GOGC to compare; the first is Go's own.
var collectors = []string{"100", "200", "400", "800"}

// sameCollector is the setting of all other arms: the one that the gateway
// chooses for itself. A Caddy without the gateway would keep Go's own, and the
// comparison would be one of collectors.
const sameCollector = "GOGC=400"

const (
	gate = "session_endpoints\nsession_auth\n"
	// All may keep a connection for each of the load's, for what is to be
	// compared is not how often they connect.
	keeping     = " {\nkeepalive_idle_conns_per_host 256\n}\n}"
	plainProxy  = "reverse_proxy {upstream} {\ntransport http" + keeping
	oursProxy   = "reverse_proxy {upstream} {\ntransport sidegate" + keeping
	socketProxy = "reverse_proxy {socket} {\ntransport http" + keeping
	lazyLog     = "log {\nformat lazy\n}"
	// sessionPath is where browsers ask who is signed in.
	sessionPath = "/auth/session"
)

// arms are those of the request's way, in the order that they take turns in.
func arms(people *population) []*arm {
	gateway := func(name, about, routes string) *arm {
		return &arm{name: name, about: about, routes: routes, people: people, check: bringsIdentity}
	}
	list := []*arm{
		{name: armRespond, about: "Caddy: respond with the bytes of " + sessionPath, path: sessionPath, check: answersSession,
			routes: "header Content-Type application/json\nrespond `{session}`"},
		{name: armHeaders, about: "the same with the headers of that answer", path: sessionPath, check: answersSession,
			routes: "{answered}header Content-Type application/json\nrespond `{session}`"},
		{name: armProxy, about: "Caddy: reverse_proxy alone", routes: plainProxy, check: bringsNothing},
		{name: armProxyU, about: "the same to a unix socket", routes: socketProxy, check: bringsNothing},
		{name: armStatic, about: "Caddy: reverse_proxy and nine static request_header", routes: "{static}" + plainProxy, check: bringsStatic},
		gateway(armCookie, "gateway: session_auth, near cache, by cookie", gate+plainProxy),
		gateway(armBearer, "the same by a Bearer token seen before", gate+plainProxy),
		gateway(armCacheOff, "the same by cookie, each time from Redis", gate+plainProxy),
		gateway(armSession, "gateway: GET "+sessionPath+", near cache", gate+plainProxy),
		gateway(armUnix, "gateway: to a unix socket", gate+socketProxy),
		gateway(armPlain, "gateway: compression off to the upstream", gate+"reverse_proxy {upstream} {\ntransport http {\ncompression off\nkeepalive_idle_conns_per_host 256\n}\n}"),
		gateway(armFewConns, "gateway: as many idle connections as Caddy keeps by itself", gate+"reverse_proxy {upstream}"),
		{name: armProxyO, about: "Caddy: reverse_proxy alone, transport sidegate", routes: oursProxy, check: bringsNothing},
		gateway(armOurs, "gateway: session_auth, near cache, by cookie, transport sidegate", gate+oursProxy),
		gateway(armShipped, "the same with the log's format lazy: the shipped Caddyfiles", gate+oursProxy),
		gateway(armOffToo, "the same, each time from Redis", gate+oursProxy),
		{name: armProxyL, about: "Caddy: reverse_proxy alone, the log's format lazy", routes: plainProxy, check: bringsNothing},
	}
	for _, percent := range collectors {
		a := gateway(armGOGC+percent, "gateway: GOGC="+percent, gate+plainProxy)
		a.env = []string{"GOGC=" + percent}
		list = append(list, a)
	}
	for _, a := range list {
		if a.env == nil {
			a.env = []string{sameCollector}
		}
		switch a.name {
		case armShipped, armProxyL:
			a.global = lazyLog
		case armOffToo:
			a.global, a.options = lazyLog, "cache off"
		case armBearer:
			a.credential = byBearer
		case armCacheOff:
			a.options = "cache off"
		case armSession:
			a.path, a.check = sessionPath, answersSession
		}
	}
	return list
}

// goals are the ratios of the request's way. One without a bound is only worth
// knowing.
var goals = []goal{
	{what: "session_auth: CPU", arm: armCookie, against: armProxy, of: cpu, atMost: 1.08},
	{what: "session_auth: CPU", arm: armCookie, against: armStatic, of: cpu, atMost: 1.00},
	{what: "session_auth: p99 at half load", arm: armCookie, against: armProxy, of: p99},
	{what: "cache off: CPU", arm: armCacheOff, against: armProxy, of: cpu, atMost: 1.35},
	{what: "cache off: writes to Redis a look-up (the goal is for 128 connections)", arm: armCacheOff, of: redisReads, atMost: 0.30},
	{what: "cache off: p99 at half load", arm: armCacheOff, against: armProxy, of: p99},
	{what: "Bearer seen before: CPU", arm: armBearer, against: armCookie, of: cpu, atMost: 1.05},
	{what: "GET /auth/session: CPU", arm: armSession, against: armRespond, of: cpu, atMost: 0.95},
	{what: "GET /auth/session: CPU", arm: armSession, against: armHeaders, of: cpu},
	{what: "as shipped, session_auth: CPU", arm: armShipped, against: armOAuth2Proxy, of: cpu, atMost: 0.33},
	{what: "as shipped, session_auth: CPU", arm: armShipped, against: armForwardAuth, of: cpu, atMost: 0.25},
	{what: "as shipped, session_auth: CPU", arm: armShipped, against: armOpenIDC, of: cpu, atMost: 0.18},
	{what: "as shipped, session_auth: CPU", arm: armShipped, against: armOpenIDCStatic, of: cpu},
	{what: "mod_auth_openidc, what it adds: CPU", arm: armOpenIDC, against: armApache, of: cpu},
	{what: "a proxy alone: CPU", arm: armProxy, against: armApache, of: cpu},
	// What reverse_proxy allocates to send nine headers on is in this one. The
	// gateway's own part, which has a goal, is for BenchmarkRequest to tell.
	{what: "session_auth: allocations added", arm: armCookie, against: armProxy, of: allocations, difference: true},
	{what: "session_auth: allocations added", arm: armCookie, against: armStatic, of: allocations, difference: true},
	{what: "session_auth: requests/s", arm: armCookie, against: armProxy, of: throughput},
	{what: "unix socket: CPU", arm: armUnix, against: armCookie, of: cpu},
	{what: "unix socket, both: CPU", arm: armUnix, against: armProxyU, of: cpu},
	{what: "compression off: CPU", arm: armPlain, against: armCookie, of: cpu},
	{what: "fewer idle connections: CPU", arm: armFewConns, against: armCookie, of: cpu},
	{what: "transport sidegate, session_auth: CPU", arm: armOurs, against: armProxy, of: cpu, atMost: 0.88},
	{what: "transport sidegate, session_auth: p99 at half load", arm: armOurs, against: armProxy, of: p99, atMost: 1.05},
	{what: "transport sidegate alone: CPU", arm: armProxyO, against: armProxy, of: cpu, atMost: 0.82},
	{what: "transport sidegate, both with session_auth: CPU", arm: armOurs, against: armCookie, of: cpu},
	{what: "as shipped, session_auth: CPU", arm: armShipped, against: armProxy, of: cpu, atMost: 0.88},
	{what: "as shipped, session_auth: CPU", arm: armShipped, against: armProxyL, of: cpu},
	{what: "as shipped, cache off: CPU", arm: armOffToo, against: armProxy, of: cpu, atMost: 1.35},
	{what: "format lazy, reverse_proxy alone: CPU", arm: armProxyL, against: armProxy, of: cpu},
	{what: "transport sidegate: requests/s", arm: armOurs, against: armProxy, of: throughput},
	{what: "GOGC=200: CPU", arm: armGOGC + "200", against: armGOGC + "100", of: cpu},
	{what: "GOGC=400: CPU", arm: armGOGC + "400", against: armGOGC + "100", of: cpu},
	{what: "GOGC=800: CPU", arm: armGOGC + "800", against: armGOGC + "100", of: cpu},
	{what: "GOGC=200: resident memory", arm: armGOGC + "200", against: armGOGC + "100", of: memory},
	{what: "GOGC=400: resident memory", arm: armGOGC + "400", against: armGOGC + "100", of: memory},
	{what: "GOGC=800: resident memory", arm: armGOGC + "800", against: armGOGC + "100", of: memory},
}
