// Package token is everything that the gateway signs: the key ring, the
// session token that an API client presents, the assertion that an app checks,
// and the public keys (JWKS) to check it with.
//
// A session token proves no more than which session is meant; whether that
// session still lives is for the store to say. An assertion is for apps that
// want proof that an identity header came from the gateway. The two differ in
// typ and in audience, so neither can be taken for the other (RFC 8725
// sections 3.11 and 3.12).
//
// It knows the keys of sessions and nothing else of them: no profile, no login,
// no request. Begin with Ring in ring.go; open.go is how a token is checked,
// session.go and assertion.go are the two kinds, verified.go and cache.go spare
// the signatures.
package token
