// Package endpoint is the routes below base_path, one file each: what it
// answers, what it needs, and where to find it. swagger.yaml of package web
// describes the same routes to programs; a test holds the two together.
//
// It knows who calls (package caller), the life of sessions, tokens, pages and
// refusals. It may not know Caddy, its configuration, loggers or metrics: what
// happens it tells lifecycle.Events.
//
// Begin reading at site.go, Site.ServeHTTP, and then at the file of the route.
package endpoint
