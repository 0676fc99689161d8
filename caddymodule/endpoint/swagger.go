package endpoint

import (
	"net/http"

	"example.com/sidegate/caddymodule/web"
)

// swaggerRoute has the OpenAPI document of all routes.
func swaggerRoute(c Config) Route {
	document := web.Swagger(c.BasePath)
	get := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		web.WriteBody(w, http.StatusOK, "application/yaml", document)
	}
	return Route{Path: "/session/swagger.yaml", Answers: map[string]http.HandlerFunc{http.MethodGet: get}}
}
