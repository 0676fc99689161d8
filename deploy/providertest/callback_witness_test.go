package providertest

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"

	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/provider"
)

// witness remembers what goes over a provider's token endpoint.
type witness struct {
	mu sync.Mutex
	// sent are the forms that came, and secrets whatever of them and of the
	// answers nobody else may know.
	sent    []http.Request
	secrets []string
	idToken string
}

// newWitness watches codes and refreshes. Another fault at those endpoints
// takes its place.
func newWitness(p *provider.Provider) *witness {
	w := new(witness)
	p.At(provider.Token).Break(w.watch())
	p.At(provider.Refresh).Break(w.watch())
	return w
}

func (w *witness) watch() fault.Fault {
	return fault.Rewrite(func(r *http.Request, a *fault.Answer) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.sent = append(w.sent, http.Request{Header: r.Header.Clone(), PostForm: r.PostForm})
		for _, name := range []string{"code", "code_verifier", "client_secret", "client_assertion", "refresh_token"} {
			w.keep(r.PostForm.Get(name))
		}
		var answer map[string]any
		if json.Unmarshal(a.Body, &answer) != nil {
			return
		}
		for _, name := range []string{"access_token", "refresh_token", "id_token"} {
			text, _ := answer[name].(string)
			w.keep(text)
		}
		w.idToken, _ = answer["id_token"].(string)
	})
}

func (w *witness) keep(secret string) {
	if secret != "" {
		w.secrets = append(w.secrets, secret)
	}
}

// saw tells whether that code, token or verifier went over it.
func (w *witness) saw(secret string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.secrets, secret)
}

// last is the latest token request.
func (w *witness) last() http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent[len(w.sent)-1]
}

// lastIDToken is the latest ID token.
func (w *witness) lastIDToken() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.idToken
}
