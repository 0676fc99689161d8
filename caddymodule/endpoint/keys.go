package endpoint

import (
	"net/http"

	"example.com/sidegate/caddymodule/web"
)

// keysRoute has the public keys, which change with the secret alone.
func keysRoute(c Config) Route {
	get := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		web.WriteBody(w, http.StatusOK, "application/jwk-set+json", c.Ring.JWKS())
	}
	return Route{Path: "/.well-known/jwks.json", Answers: map[string]http.HandlerFunc{http.MethodGet: get}}
}
