package endpoint

import (
	"net/http"

	"example.com/sidegate/caddymodule/web"
)

// swaggerRoute has the OpenAPI document of all routes, with the address that it was
// asked for at, so that what is made from it asks this gateway. To who follows a link
// to it it is a text, for browsers save YAML instead of showing it.
func swaggerRoute(c Config) Route {
	get := func(w http.ResponseWriter, r *http.Request) {
		media := "application/yaml"
		if web.IsNavigation(r) {
			media = "text/plain; charset=utf-8"
		}
		// It says what the request says of its host: a cache that is shared, and does not
		// look at the host, would have one person's word for it told to others.
		w.Header().Set("Cache-Control", "private, max-age=300")
		w.Header().Set("Vary", "Accept, Sec-Fetch-Mode")
		web.WriteBody(w, http.StatusOK, media, web.Swagger(c.BasePath, c.Sites.Of(r).String()))
	}
	return Route{Path: "/session/swagger.yaml", Answers: map[string]http.HandlerFunc{http.MethodGet: get}}
}
