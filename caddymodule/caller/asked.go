package caller

import (
	"context"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/lifecycle"
)

// Asker is who asks, by which request: what Caddy got, before any route wrote it anew,
// and the path without its query, which may hold a secret.
func Asker(r *http.Request) lifecycle.Asker {
	a := AskerOf(r)
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		a.Method, a.Path = original.Method, original.URL.EscapedPath()
	}
	return a
}

// AskerOf is Asker for a request that another proxy asks about, of which Caddy has got
// none.
func AskerOf(r *http.Request) lifecycle.Asker {
	return lifecycle.Asker{Client: Address(r), Method: r.Method, Host: r.Host, Path: r.URL.EscapedPath()}
}

// Asking is that of the package, by whoever calls.
func (c *Caller) Asking(r *http.Request) context.Context {
	a := Asker(r)
	a.UserID = c.User.ID
	return lifecycle.AskedBy(r.Context(), a)
}

// Asking is the context of a request for what is done because it asks for it.
func Asking(r *http.Request) context.Context { return lifecycle.AskedBy(r.Context(), Asker(r)) }
