// Package login is how people sign in: the interface of a login method, the
// throttle in front of every password, and, one folder each, the methods.
//
// It knows profiles and stores; no request, no cookie, no Caddy. Begin with the
// interfaces in login.go; throttle.go counts the failures, in the store, for
// all gateways together.
package login
