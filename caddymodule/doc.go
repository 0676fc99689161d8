// Package caddymodule makes Caddy a gateway that knows who is calling.
//
// It registers the app sidegate, which holds what all sites share (the session
// store, the key ring, the ways to sign in), the handlers session_endpoints
// and session_auth, the matcher session, and the stores, logins and directories
// that the app can be given. They read configuration, put together what runs
// under it, and turn what happens into logs and metrics. The rest is the
// business of the rooms below, which know nothing of the configuration.
//
// Begin reading at app.go and gateway.go, where a configuration becomes a gateway,
// or at the handler: session_auth.go, session_endpoints.go. An option stands in
// one file with its field, default, check and Caddyfile word: app_*.go for the
// app's, and the file named after the module for each module's. CONTRIBUTING.md
// has the map of the house and the way of a request.
package caddymodule
