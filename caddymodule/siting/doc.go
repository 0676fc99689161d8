// Package siting finds out, of the routes of a server, whether what a
// configuration says of them can work: whether session_auth is ever asked, and
// whether the login page that it leads people to is answered. Where that cannot
// be told, as with handlers that it does not know, it has nothing to say.
//
// Begin with siting.go; walk.go follows a request through the routes, match.go
// and read.go say what those are made of, and open.go and plain.go look for what
// works and may not be meant.
package siting
