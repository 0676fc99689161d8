// Package standin is an OpenID provider for tests that does what real ones do
// otherwise than the standards say, or than each other: see Quirks. It asks
// nobody anything: whoever comes is Ada. What is no quirk is tried with the
// certified provider, package provider.
package standin

import (
	"encoding/json"
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
	ended   string
	secrets []string
}

// Start runs a stand-in until Close.
func Start(q Quirks) (*Provider, error) {
	server, err := loopback.Listen("")
	if err != nil {
		return nil, err
	}
	p := &Provider{Server: server, quirks: q, keys: newKeys(), codes: make(map[string]url.Values), secrets: []string{ClientSecret}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /elsewhere", p.document)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /keys", p.keySet)
	mux.HandleFunc("GET /userinfo", p.userInfo)
	mux.HandleFunc("GET /end", p.end)
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

func (p *Provider) end(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = p.URL() + r.URL.RequestURI()
}

// reply answers with a document.
func reply(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document) // the client may be gone
}
