// Package demand is what is asked of who makes a request: a session, roles and
// permissions, for a whole route or below some of its paths. A session_auth
// demands it of the request before it, and a policy of one that another proxy
// asks about.
//
// Begin with demands.go, and ruleset.go, which decides; requirement.go and path.go are what it is made of, and
// caddyfile.go has the words for it.
package demand
