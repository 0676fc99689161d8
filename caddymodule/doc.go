// Package caddymodule makes Caddy a gateway that knows who is calling.
//
// It registers the app sidegate, which holds what all sites share (the session
// store, the key ring, the ways to sign in), the handlers session_endpoints
// and session_auth, the matcher session, and the stores and login methods that
// the app can be given. The modules here are thin: they read configuration,
// speak HTTP, and leave the rest to the packages below.
//
// The way of a request: session_auth finds the credential, looks its session
// up, decides, strips what the client claimed to be, injects who it is, and
// passes the request on. The way of a login: session_endpoints asks the login
// methods, profile builds the session, the store keeps it, the cookie names it.
package caddymodule
