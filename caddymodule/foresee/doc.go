// Package foresee says what would become of a request that nobody makes, in a
// server that runs: for the person who asks by GET /auth/why.
//
// No such request is sent through the server, for it would reach apps. Its routes
// are walked with a copy: Caddy's own matchers are asked, its handlers that only
// change what is seen of a request change the copy, and ours say what they would do.
// No other handler is run, and no other matcher asked: what hangs on those is said
// to be unknown, or in a note.
//
// Begin reading at look.go; matchers.go and handlers.go know the modules of Caddy's.
package foresee
