package endpoint

import (
	"net/http"

	"example.com/sidegate/caddymodule/web"
)

// clientRoutes have the client for browsers, which knows by its own address where
// the gateway is.
func clientRoutes() []Route {
	files := web.ClientFiles()
	routes := make([]Route, len(files))
	for i, f := range files {
		routes[i] = Route{Path: "/" + f.Name, Answers: map[string]http.HandlerFunc{http.MethodGet: clientFile(f)}}
	}
	return routes
}

// clientFile is kept for a short while, so that the pages of an app do not wait for
// it, and asked about after that: it changes with releases.
func clientFile(f web.ClientFile) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "public, max-age=300")
		h.Set("ETag", f.ETag)
		if matches(r.Header["If-None-Match"], f.ETag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		web.WriteBody(w, http.StatusOK, f.MediaType, f.Body)
	}
}
