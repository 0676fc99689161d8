// Package standin is an OpenID provider for tests that does what real ones do
// otherwise than the standards say, or than each other: see Quirks. It asks
// nobody anything: whoever comes is Ada. What is no quirk is tried with the
// certified provider, package provider.
package standin

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"example.com/sidegate/deploy/providertest/loopback"
)

// What the only client and the only person are known by.
const (
	ClientID     = "shop"
	ClientSecret = "the-secret-of-the-shop"
	Email        = "ada@example.com"
	subject      = "ada-1"
)

// Provider is a running stand-in.
type Provider struct {
	*loopback.Server
	quirks Quirks

	mu      sync.Mutex
	keys    keys
	codes   map[string]url.Values // by the authorization request that they answer
	errors  int                   // answered so far
	changes map[string]any        // of the discovery document, since the start
	moved   map[string]int        // what is answered where an endpoint was
	ended   string
	posted  url.Values
	secrets []string
}

// Start runs a stand-in until Close.
func Start(q Quirks) (*Provider, error) {
	server, err := loopback.Listen("")
	if err != nil {
		return nil, err
	}
	p := &Provider{Server: server, quirks: q, keys: newKeys(), codes: make(map[string]url.Values), moved: make(map[string]int), changes: make(map[string]any), secrets: []string{ClientSecret}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /elsewhere", p.document)
	mux.HandleFunc("GET /authorize", p.authorize)
	for path, answer := range map[string]http.HandlerFunc{"/token": p.token, "/keys": p.keySet, "/userinfo": p.userInfo} {
		mux.HandleFunc(path, p.unlessMoved(path, answer))
		mux.HandleFunc(newPlace+path, answer)
	}
	mux.HandleFunc("GET /end", p.end)
	if !q.NoPosts {
		mux.HandleFunc("POST /end", p.end)
	}
	mux.HandleFunc("GET /bye", p.end) // where no document leads
	server.Serve(mux)
	return p, nil
}

// Issuer is what the provider calls itself.
func (p *Provider) Issuer() string {
	if p.quirks.Issuer != "" {
		return p.quirks.Issuer
	}
	return p.URL()
}

// Rotate makes a new key under the name of the one before.
func (p *Provider) Rotate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = newKeys()
}

// newPlace is before the path of what was moved.
const newPlace = "/new"

// Change changes the discovery document from now on.
func (p *Provider) Change(members map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.Copy(p.changes, members)
}

// Move has an endpoint of the discovery document be elsewhere from now on, and its
// old place answer with that status.
func (p *Provider) Move(member string, status int) {
	path := map[string]string{"token_endpoint": "/token", "jwks_uri": "/keys", "userinfo_endpoint": "/userinfo"}[member]
	p.Change(map[string]any{member: p.URL() + newPlace + path})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moved[path] = status
}

func (p *Provider) unlessMoved(path string, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		status := p.moved[path]
		p.mu.Unlock()
		if status != 0 {
			http.Error(w, "it is not here", status)
			return
		}
		answer(w, r)
	}
}

// Posted is what a browser has posted last to sign out; nil if none did.
func (p *Provider) Posted() url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.posted
}

// Ended is the address by which a browser came last to sign out; empty if none did.
func (p *Provider) Ended() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

// Secrets are the codes and tokens that it has given out, and the client's secret.
func (p *Provider) Secrets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.secrets)
}

// keep remembers a secret.
func (p *Provider) keep(secret string) string {
	p.secrets = append(p.secrets, secret)
	return secret
}

// end leads back, as providers do.
func (p *Provider) end(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = p.URL() + r.URL.RequestURI()
	if r.Method == http.MethodPost && r.ParseForm() == nil {
		p.posted = r.PostForm
	}
	if to := r.FormValue("post_logout_redirect_uri"); to != "" {
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

// reply answers with a document.
func reply(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document) // the client may be gone
}
