package caddymodule

import (
	"encoding/json"
	"net/http"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/siting"
)

// demanded is the request as it is decided on. A CONNECT that came so far asks for a
// websocket, as a GET does in HTTP/1.1, and the app gets that.
func demanded(r *http.Request) demand.Request {
	method := r.Method
	if method == http.MethodConnect {
		method = http.MethodGet
	}
	return demand.Request{URL: r.URL, Method: method}
}

// keeping is which caches may keep what the app answers: on an open route it is
// anybody's, but for who is told to the app.
func keeping(open, told bool) caller.Keeping {
	switch {
	case !open:
		return caller.KeepApart
	case told:
		return caller.KeepPrivate
	}
	return caller.KeepAsSaid
}

// readAuth reads a session_auth as it is written, for what is seen of a whole
// server. Of one that cannot be read nothing is said.
func readAuth(written json.RawMessage) siting.Auth {
	var s SessionAuth
	if json.Unmarshal(written, &s) != nil {
		return siting.Auth{Opens: func(string) bool { return true }}
	}
	var patterns []string
	for i := range s.Paths {
		patterns = append(patterns, s.Paths[i].Patterns...)
	}
	return siting.Auth{
		Leads:    s.LeadsToLogin() && !s.NoRedirect && !s.HandleErrors,
		ToErrors: s.HandleErrors, UpstreamToken: s.UpstreamToken,
		Demands: s.LeadsToLogin(), Public: s.Public, Paths: patterns,
		Opens: s.MayOpen(),
	}
}
