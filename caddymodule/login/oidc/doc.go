// Package oidc signs people in through an OpenID provider: a relying party of
// OpenID Connect Core 1.0 with the authorization code flow and PKCE, RFC 9207,
// RP-Initiated Logout 1.0 and Back-Channel Logout 1.0.
//
// It keeps nothing for people who have not signed in: what an attempt has to
// remember is in an Attempt, which the caller seals into the browser's cookie.
package oidc
