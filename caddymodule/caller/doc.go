// Package caller finds out who makes a request: which credentials came with
// it, which session they name, and for which account the person acts. It keeps
// "nobody", "rejected" and "cannot tell" apart, and remembers what it found for
// all who ask about the same request.
//
// It knows a request as Caddy hands it on, the near cache and the key ring. It
// may not know the configuration, nor what is answered to whom beyond the
// refusal that it names; it changes no session.
//
// It lies on the way of every request: no allocation, lock or log is added here
// that `go test -bench Request -benchmem ./caddymodule` does not forgive.
//
// Begin reading at finder.go, Finder.Of.
package caller
