package oidc_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/storetest"
)

const redirectURI = "https://app.example.com/auth/callback/keycloak"

func newClock() *storetest.Clock {
	return storetest.ClockAt(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
}

// mapper is a mapping written as a function.
type mapper func(*profile.Person, profile.Facts) error

func (m mapper) Apply(p *profile.Person, f profile.Facts) error { return m(p, f) }

// login is a client of the provider; edit changes its configuration.
func (p *provider) login(t testing.TB, edit func(*oidc.Config)) *oidc.Login {
	t.Helper()
	config := oidc.Config{
		Name: "keycloak", Issuer: p.URL, ClientID: clientID, ClientSecret: clientSecret, Now: p.clock.Now,
		Transport: &http.Transport{},
	}
	if edit != nil {
		edit(&config)
	}
	l, err := oidc.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if transport, ok := config.Transport.(*http.Transport); ok {
			transport.CloseIdleConnections()
		}
	})
	return l
}

// newState is one that nobody can guess.
func newState() string { return rand.Text() }

func begin(t testing.TB, l *oidc.Login) (string, oidc.Attempt) {
	t.Helper()
	location, attempt, err := l.Begin(context.Background(), newState(), redirectURI, "/orders")
	if err != nil {
		t.Fatal(err)
	}
	return location, attempt
}

// signIn goes the whole way; edit changes what the browser brings back.
func (p *provider) signIn(t *testing.T, l *oidc.Login, edit func(url.Values)) (*profile.Person, error) {
	t.Helper()
	location, attempt := begin(t, l)
	query := p.authorize(t, location)
	if edit != nil {
		edit(query)
	}
	person, err := l.Finish(context.Background(), attempt, query)
	leaksNothing(t, err, attempt.State, attempt.Nonce, attempt.Verifier, query.Get("code"))
	if (person == nil) != (err != nil) {
		t.Fatalf("got a person %v and the error %v", person, err)
	}
	return person, err
}

func (p *provider) mustSignIn(t *testing.T, l *oidc.Login) *profile.Person {
	t.Helper()
	person, err := p.signIn(t, l, nil)
	if err != nil {
		t.Fatal(err)
	}
	return person
}

// session is the person's session as the gateway would keep it.
func session(t *testing.T, person *profile.Person) *sessionstore.Session {
	t.Helper()
	kept, err := person.Kept.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return &sessionstore.Session{Method: "keycloak", Subject: person.Subject, SourceSession: person.SourceSession, Kept: kept}
}

// leaksNothing holds an error to what it may say: no credential, nothing that
// the browser sent, and no claim's value.
func leaksNothing(t testing.TB, err error, secrets ...string) {
	t.Helper()
	if err == nil {
		return
	}
	for _, secret := range append(secrets, clientSecret, "access-secret", "refresh-secret", "code-secret", "ada", "sso-1", "<script>") {
		if secret != "" && strings.Contains(strings.ToLower(err.Error()), strings.ToLower(secret)) {
			t.Errorf("the error tells %q: %v", secret, err)
		}
	}
}

var sentinels = []error{
	oidc.ErrDenied, oidc.ErrExpired, oidc.ErrForged, oidc.ErrSpent, oidc.ErrClock, oidc.ErrAudience, oidc.ErrUnverified, oidc.ErrUnvouched,
	oidc.ErrNoEmail, oidc.ErrPassing, oidc.ErrProvider, oidc.ErrUnavailable, oidc.ErrNotYet, oidc.ErrInvalidLogoutToken,
}

// wantErr wants that sentinel and no other one, and the words in the reason;
// nil wants success.
func wantErr(t *testing.T, err, want error, words string) {
	t.Helper()
	leaksNothing(t, err)
	if want == nil {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, sentinel := range sentinels {
		if errors.Is(err, sentinel) != errors.Is(want, sentinel) {
			t.Fatalf("got %v, want one that is %q and nothing else", err, want)
		}
	}
	if !errors.Is(err, want) || !strings.Contains(err.Error(), words) {
		t.Fatalf("got %v, want %q with %q", err, want, words)
	}
}
