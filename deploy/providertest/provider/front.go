package provider

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/zitadel/oidc/v3/pkg/op"

	"example.com/sidegate/deploy/providertest/fault"
)

// Paths below the issuer that are not the library's.
const (
	signInPath  = "/sign-in"
	signOutPath = "/sign-out"
)

// Paths of the library.
const (
	discoveryPath = "/.well-known/openid-configuration"
	authorizePath = "/authorize"
)

// front is what stands before the library.
type front struct {
	mu             sync.Mutex
	responseIssuer string
	asked          []url.Values
}

// SetResponseIssuer changes the iss of authorization responses (RFC 9207),
// which is the issuer at the start. Empty: the provider neither sends it nor
// says in its metadata that it does.
func (p *Provider) SetResponseIssuer(iss string) {
	p.front.mu.Lock()
	defer p.front.mu.Unlock()
	p.front.responseIssuer = iss
}

func (p *Provider) responseIssuer() string {
	p.front.mu.Lock()
	defer p.front.mu.Unlock()
	return p.front.responseIssuer
}

// mostAsked bounds what is remembered: a benchmark may sign in for hours.
const mostAsked = 1000

// Asked are the parameters of the last 1000 authorization requests, the latest
// last.
func (p *Provider) Asked() []url.Values {
	p.front.mu.Lock()
	defer p.front.mu.Unlock()
	return slices.Clone(p.front.asked)
}

// handler is the whole provider: the library, our pages, and around both what
// counts and breaks.
func (p *Provider) handler() http.Handler {
	withIssuer := fault.Rewrite(p.addIssuer)
	mux := http.NewServeMux()
	mux.Handle("/", p.op)
	mux.Handle(discoveryPath, p.points[Discovery].Around(fault.JSON(p.addMetadata)(p.op)))
	mux.Handle("/keys", p.points[Keys].Around(p.op))
	mux.Handle("/userinfo", p.points[UserInfo].Around(p.op))
	mux.Handle("/end_session", p.points[EndSession].Around(p.op))
	mux.Handle(authorizePath, p.remember(p.points[Authorization].Around(withIssuer(p.op))))
	mux.Handle(authorizePath+"/callback", withIssuer(p.op))
	mux.Handle("/oauth/token", p.tokenEndpoint())
	mux.Handle("GET "+signInPath, withIssuer(http.HandlerFunc(p.askWho)))
	mux.Handle("POST "+signInPath, withIssuer(http.HandlerFunc(p.signIn)))
	mux.HandleFunc("GET "+signOutPath, p.askSignOut)
	mux.HandleFunc("POST "+signOutPath, p.signOut)
	return mux
}

// tokenEndpoint tells refreshes from the rest, and counts each refresh token
// before a fault can keep it from the library.
func (p *Provider) tokenEndpoint() http.Handler {
	code, refresh := p.points[Token].Around(p.op), p.points[Refresh].Around(p.op)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		if err := r.ParseForm(); err != nil || r.PostForm.Get("grant_type") != "refresh_token" {
			code.ServeHTTP(w, r)
			return
		}
		p.store.mu.Lock()
		p.store.tally.RefreshCalls[r.PostForm.Get("refresh_token")]++
		p.store.mu.Unlock()
		refresh.ServeHTTP(w, r)
	})
}

func (p *Provider) remember(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // the library says what is wrong with it
		p.front.mu.Lock()
		p.front.asked = append(p.front.asked[max(0, len(p.front.asked)-mostAsked+1):], r.Form)
		p.front.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// addMetadata says what the library does not know of.
func (p *Provider) addMetadata(metadata map[string]any) {
	metadata["response_types_supported"] = []string{"code"}
	metadata["response_modes_supported"] = []string{"query"}
	if p.responseIssuer() != "" {
		metadata["authorization_response_iss_parameter_supported"] = true
	}
}

// addIssuer puts iss into redirects to clients, errors included (RFC 9207
// section 2).
func (p *Provider) addIssuer(_ *http.Request, a *fault.Answer) {
	iss, location := p.responseIssuer(), a.Header.Get("Location")
	if iss == "" || location == "" || strings.HasPrefix(location, p.issuer+"/") {
		return
	}
	to, err := url.Parse(location)
	if err != nil {
		return
	}
	query := to.Query()
	query.Set("iss", iss)
	to.RawQuery = query.Encode()
	a.Header.Set("Location", to.String())
}

// callback is where the library goes on with a request.
func (p *Provider) callback(r *http.Request, requestID string) string {
	return op.AuthCallbackURL(p.op)(op.ContextWithIssuer(r.Context(), p.issuer), requestID)
}
