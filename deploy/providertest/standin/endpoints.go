package standin

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
)

func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) {
	if p.quirks.Moved {
		http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
		return
	}
	p.document(w, r)
}

func (p *Provider) document(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	changes := make(map[string]any)
	maps.Copy(changes, p.quirks.Metadata)
	maps.Copy(changes, p.changes)
	p.mu.Unlock()
	at := p.URL()
	reply(w, http.StatusOK, with(map[string]any{
		"issuer": p.Issuer(), "authorization_endpoint": at + "/authorize", "token_endpoint": at + "/token", "jwks_uri": at + "/keys",
		"userinfo_endpoint": at + "/userinfo", "end_session_endpoint": at + "/end",
		"id_token_signing_alg_values_supported":          []string{p.algorithm()},
		"authorization_response_iss_parameter_supported": true,
	}, changes))
}

// authorize lets everybody in who asks.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := r.URL.Query()
	to, err := url.Parse(asked.Get("redirect_uri"))
	if err != nil || asked.Get("client_id") != ClientID {
		http.Error(w, "nobody asks so", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {asked.Get("state")}, "iss": {p.Issuer()}}
	if p.errors < p.quirks.Errors {
		p.errors++
		answer.Set("error", p.quirks.Error)
	} else {
		code := p.keep(rand.Text())
		p.codes[code] = asked
		answer.Set("code", code)
	}
	for name, value := range p.quirks.Answer {
		answer.Del(name)
		if value != "" {
			answer.Set(name, value)
		}
	}
	to.RawQuery = answer.Encode()
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// token gives tokens for a code.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	id, secret, _ := r.BasicAuth()
	switch {
	case p.quirks.TokenError != nil:
		reply(w, http.StatusBadRequest, p.quirks.TokenError)
	case p.quirks.TokenStatus != 0:
		reply(w, p.quirks.TokenStatus, map[string]any{})
	case id != ClientID || secret != ClientSecret:
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
	case p.quirks.NoVerifier && r.PostForm.Has("code_verifier"):
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_request"})
	case p.quirks.Spent || asked == nil || !proves(asked, r.PostForm):
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
	default:
		reply(w, http.StatusOK, p.tokens(asked.Get("nonce")))
	}
}

// proves reports whether a code is redeemed by who asked for it (RFC 7636).
func proves(asked, form url.Values) bool {
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	challenge := asked.Get("code_challenge")
	return asked.Get("redirect_uri") == form.Get("redirect_uri") &&
		(challenge == "" || challenge == base64.RawURLEncoding.EncodeToString(sum[:]))
}

func (p *Provider) userInfo(w http.ResponseWriter, _ *http.Request) {
	reply(w, cmp.Or(p.quirks.UserInfoStatus, http.StatusOK), with(map[string]any{"sub": subject}, p.quirks.Info))
}
