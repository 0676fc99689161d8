// Package siting finds out, of the routes of a server, whether what a
// configuration says of them can work: whether session_auth is ever asked, whether
// the login page that it leads people to is answered, and whether probes find what
// answers them. Where that cannot be told, as with handlers that it does not know,
// it has nothing to say.
//
// Begin with siting.go; walk.go follows a request through the routes, with what
// responses.go and files.go know of reverse_proxy and php_fastcgi; match.go, read.go
// and upstreams.go say what those are made of. leads.go looks for the login page,
// reached.go for what no request comes to, and open.go, plain.go and unasked.go for
// what works and may not be meant.
package siting
