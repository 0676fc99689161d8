// Package docs reads the OpenAPI document for the page that shows it, GET /auth/docs:
// what each route is and takes, a sample of every answer, and what the document and the
// TypeScript types say of it. All that the page says of routes is from there.
//
// Begin with Read in docs.go; route.go reads a route, sample.go has the samples,
// source.go the YAML and the types. The page itself is web.Docs.
package docs
