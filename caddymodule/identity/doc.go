// Package identity tells the apps behind the gateway who is calling, in
// request headers, and makes sure that nobody else can: what a client sends
// under those names, in any spelling, is deleted first.
//
// The way of every request, public and denied ones included:
//
//	identity.ReduceConnection(r.Header)   // nothing may name our headers hop-by-hop
//	identity.DropTrailers(r)              // nothing may come after the headers
//	stripper.Strip(r.Header)              // always, whoever is calling
//	rendered.Inject(r.Header)             // only when somebody is signed in
//	identity.RemoveCookie(r.Header, c, p) // the app has no use for a credential
//
// A Rendered is made once per session and used for all its requests; the first
// four steps do not allocate on an ordinary request. The functions work on
// http.Header and *http.Request alone, keep no state and do not log.
//
// It knows no session, no configuration and no Caddy, only the standard
// library. Begin with strip.go and render.go; preset.go names the headers,
// encode.go is how values are written, hop.go closes the ways around them,
// cookie.go is the one reader of cookies.
package identity
