// Package oidc signs people in through an OpenID provider: a relying party of
// OpenID Connect Core 1.0 with the authorization code flow and PKCE, RFC 9207,
// RP-Initiated Logout 1.0 and Back-Channel Logout 1.0.
//
// It keeps nothing for people who have not signed in: what an attempt has to
// remember is in an Attempt, which the caller seals into the browser's cookie.
//
// It asks the provider by HTTP, but answers no request itself, and knows
// neither cookies nor Caddy. Begin with begin.go and finish.go, the two ends of
// a sign-in; config.go is what can be set, jws.go and idtoken.go are how a
// token is checked, rebuild.go asks again, logouttoken.go reads sign-outs from
// there.
package oidc
