package provider_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"example.com/sidegate/deploy/providertest/provider"
)

const (
	ada    = "ada@example.com"
	adaSub = "f3a1c0de-0001"
)

// start runs a provider with the demo's people until the test ends.
func start(t *testing.T, c provider.Config) *provider.Provider {
	t.Helper()
	if c.People == nil {
		c.People = provider.DemoPeople()
	}
	p, err := provider.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// app is a client as its authors would write it: x/oauth2 and go-oidc.
type app struct {
	t        *testing.T
	p        *provider.Provider
	client   provider.Client
	server   *httptest.Server
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
	ctx      context.Context
	logouts  chan string // logout tokens that came
}

// register makes an app of that client, whose addresses it fills in.
func register(t *testing.T, p *provider.Provider, c provider.Client) *app {
	t.Helper()
	a := &app{t: t, p: p, logouts: make(chan string, 8)}
	a.server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.server.Close)
	c.RedirectURIs = []string{a.server.URL + "/callback"}
	c.PostLogoutRedirectURIs = []string{a.server.URL + "/bye"}
	c.BackChannelLogoutURI = a.server.URL + "/logout"
	p.SetClient(c)
	a.client = c
	a.discover()
	return a
}

func (a *app) discover() {
	a.t.Helper()
	a.ctx = oidc.ClientContext(context.Background(), trusting(a.p))
	found, err := oidc.NewProvider(a.ctx, a.p.Issuer())
	if err != nil {
		a.t.Fatal(err)
	}
	a.verifier = found.Verifier(&oidc.Config{ClientID: a.client.ID})
	a.oauth = oauth2.Config{
		ClientID: a.client.ID, ClientSecret: a.client.Secret, Endpoint: found.Endpoint(),
		RedirectURL: a.client.RedirectURIs[0], Scopes: []string{"openid", "email", "profile", "offline_access"},
	}
	// A client that tries one style and then the other presents its code, or
	// its refresh token, twice.
	a.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInParams
}

// trusting is a browser that trusts the provider's certificate, if it has one.
func trusting(p *provider.Provider) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(p.CertificatePEM())
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
}

func (a *app) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/logout" {
		a.logouts <- r.FormValue("logout_token")
		return
	}
	_, _ = io.WriteString(w, "the app at "+r.URL.Path)
}

// attempt is one sign-in under way.
type attempt struct {
	verifier, state, nonce, url string
}

func (a *app) begin(options ...oauth2.AuthCodeOption) attempt {
	at := attempt{verifier: oauth2.GenerateVerifier(), state: oauth2.GenerateVerifier(), nonce: oauth2.GenerateVerifier()}
	options = append(options, oauth2.S256ChallengeOption(at.verifier), oidc.Nonce(at.nonce))
	at.url = a.oauth.AuthCodeURL(at.state, options...)
	return at
}

// visit lets the person sign in, and returns the answer that came to the app.
func (a *app) visit(v *provider.Visitor, at attempt) url.Values {
	a.t.Helper()
	page, err := v.Visit(at.url)
	if err != nil {
		a.t.Fatal(err)
	}
	if !strings.HasPrefix(page.URL.String(), a.oauth.RedirectURL+"?") {
		a.t.Fatalf("the visit ended at %s: %s", page.URL, page.Body)
	}
	return page.URL.Query()
}

// signIn goes all the way to tokens.
func (a *app) signIn(v *provider.Visitor) *oauth2.Token {
	a.t.Helper()
	at := a.begin()
	answer := a.visit(v, at)
	if answer.Get("state") != at.state {
		a.t.Fatalf("the answer is %v", answer)
	}
	token, err := a.oauth.Exchange(a.ctx, answer.Get("code"), oauth2.VerifierOption(at.verifier))
	if err != nil {
		a.t.Fatal(err)
	}
	if id, _ := a.claims(token); id.Nonce != at.nonce {
		a.t.Fatalf("the nonce is %q", id.Nonce)
	}
	return token
}

// claims verifies the ID token of an answer.
func (a *app) claims(token *oauth2.Token) (*oidc.IDToken, map[string]any) {
	a.t.Helper()
	id, err := a.verify(token)
	if err != nil {
		a.t.Fatal(err)
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		a.t.Fatal(err)
	}
	return id, claims
}

func (a *app) verify(token *oauth2.Token) (*oidc.IDToken, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("there is no ID token")
	}
	id, err := a.verifier.Verify(a.ctx, raw)
	if err != nil {
		return nil, err
	}
	return id, id.VerifyAccessToken(token.AccessToken)
}

// refresh presents a refresh token.
func (a *app) refresh(refreshToken string) (*oauth2.Token, error) {
	return a.oauth.TokenSource(a.ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
}

// wantOAuthError checks the error code of a refusal.
func wantOAuthError(t *testing.T, err error, code string) {
	t.Helper()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != code {
		t.Errorf("the answer is %v, want %s", err, code)
	}
}

func (a *app) userInfo(token *oauth2.Token) (status int, claims map[string]any) {
	a.t.Helper()
	req, _ := http.NewRequest(http.MethodGet, a.p.Issuer()+"/userinfo", nil)
	req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	resp, err := trusting(a.p).Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	_ = json.NewDecoder(resp.Body).Decode(&claims) // an error's body may be anything
	return resp.StatusCode, claims
}
