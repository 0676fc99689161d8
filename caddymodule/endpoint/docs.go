package endpoint

import (
	"net/http"
	"sync"

	"example.com/sidegate/caddymodule/docs"
	"example.com/sidegate/caddymodule/web"
)

// docsRoutes have the document as a page, and its script. The page is made when it is
// asked for first, and is the same for everybody: it holds nothing of who asks.
func docsRoutes(c Config) []Route {
	page := sync.OnceValue(func() http.HandlerFunc { return docs.Read(c.BasePath).Page(c.Look) })
	get := func(w http.ResponseWriter, r *http.Request) { page()(w, r) }
	script := clientFile(web.DocsScript())
	return []Route{
		{Path: "/docs", Answers: map[string]http.HandlerFunc{http.MethodGet: get}},
		{Path: "/docs.js", Answers: map[string]http.HandlerFunc{http.MethodGet: script}},
	}
}
