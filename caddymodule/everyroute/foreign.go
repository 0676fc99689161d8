package everyroute

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/net/http/httpguts"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/identity"
)

// Foreign is which headers of other gateways a route lets through, made ready.
type Foreign struct {
	first *First
	kept  []string // in canonical spelling
	// strippers delete identity headers, and what goes with them: one for
	// whether the peer is trusted, and one for whether the method is decided on.
	strippers [2][2]*identity.Stripper
}

// NewForeign makes ready what is deleted beside those own names.
func NewForeign(f *First, keep []string, own ...string) (Foreign, error) {
	all := Foreign{first: f}
	if err := CheckKept(keep, own...); err != nil {
		return all, err
	}
	for _, name := range keep {
		all.kept = append(all.kept, http.CanonicalHeaderKey(name))
	}
	f.keeps = f.keeps || len(keep) > 0
	trusted := identity.NewStripper(append(own, caller.AccountHeader)...)
	others := trusted.With(all.kept, identity.Foreign)
	all.strippers = [2][2]*identity.Stripper{
		{others, others.With(nil, identity.MethodOverrides)},
		{trusted, trusted.With(nil, identity.MethodOverrides)},
	}
	return all, nil
}

// CheckKept refuses names to keep_header that it does nothing for, or that only the
// gateway may use; own are the further ones that it sends here.
func CheckKept(names []string, own ...string) error {
	for _, name := range names {
		if err := checkKept(name, own); err != nil {
			return err
		}
	}
	return nil
}

func checkKept(name string, own []string) error {
	same := func(o string) bool { return identity.Folded(o) == identity.Folded(name) }
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("keep_header %q: use a name of letters, digits and -", name)
	case identity.IsIdentity(name) || slices.ContainsFunc(own, same):
		return fmt.Errorf("keep_header %s: the gateway itself tells who somebody is in it, so the client's never passes; leave the line out", name)
	case !identity.Foreign.Has(name):
		return fmt.Errorf("keep_header %s: no header of that name is deleted, so it passes without this line", name)
	}
	return nil
}

// stripper is what deletes headers of this request.
func (f *Foreign) stripper(r *http.Request) *identity.Stripper {
	trusted, method := 0, 0
	if caller.TrustedPeer(r) {
		trusted = 1
	}
	if f.first.DecidesOnMethod() {
		method = 1
	}
	return f.strippers[trusted][method]
}

// Strip deletes what a client made up. What a later handler of this
// server may keep is put aside for it: session_endpoints comes before
// session_auth.
func (f *Foreign) Strip(r *http.Request, v *caller.Remembered) {
	if f.first.keeps && v.Aside == nil {
		v.Aside = foreigners(r.Header)
	}
	f.stripper(r).Strip(r.Header)
	if f.first.DecidesOnMethod() {
		if left, had := identity.WithoutOverride(r.URL.RawQuery); had {
			r.URL.RawQuery = left
		}
	}
	if parameter := f.first.credentials.AccountParam; parameter != "" {
		caller.HideAccount(r, v, parameter)
	}
	for _, name := range f.kept {
		if values, ok := v.Aside[name]; ok {
			r.Header[name] = values
		}
	}
}

// PassOn is that of the server.
func (f *Foreign) PassOn(w http.ResponseWriter, r *http.Request, v *caller.Remembered, next caddyhttp.Handler) error {
	return f.first.PassOn(w, r, v, next)
}

// Answer is that of the server.
func (f *Foreign) Answer(w http.ResponseWriter, r *http.Request) (answering http.ResponseWriter, done func()) {
	return f.first.Answer(w, r)
}

// CarriesConnect reports whether a websocket by an extended CONNECT may go on
// here. Where a matcher of Caddy's decides on the method, or on headers that only a
// websocket by GET has, it may not: what is demanded of the GET that the app gets is
// not demanded of a CONNECT.
func (f *Foreign) CarriesConnect() bool {
	return f.first.methodFree.Load() && f.first.upgradeFree.Load()
}

// BeforeError sees to it that the answer of error routes reaches who still
// sends. Where the server has none, Caddy answers itself, behind us all.
func (f *Foreign) BeforeError(w http.ResponseWriter, r *http.Request) {
	if e := f.first.server.Errors; e == nil || len(e.Routes) == 0 {
		f.first.drains.Before(w, r)
	}
}

// foreigners are those headers of other gateways that a request has; nil for
// none.
func foreigners(h http.Header) (found http.Header) {
	for name, values := range h {
		if !identity.Foreign.Has(name) {
			continue
		}
		if found == nil {
			found = make(http.Header)
		}
		found[name] = values
	}
	return found
}
