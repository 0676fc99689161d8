package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
)

// flow is a way to watch.
type flow struct {
	title string
	visit func(context.Context) error
}

// flows are the five ways, in the order in which they can be gone: the refresh
// and the provider's word are about the sign-in at the provider before them.
func (s *stage) flows(signedIn *browser) []flow {
	atProvider := newBrowser(s.gateway + "/")
	return []flow{
		{"a request through session_auth with a session cookie", func(ctx context.Context) error {
			_, err := signedIn.ask(ctx, http.MethodGet, s.gateway+"/page", "", nil)
			return err
		}},
		{"a password sign-in: POST /auth/login", func(ctx context.Context) error {
			return s.signIn(ctx, newBrowser(""))
		}},
		{"a sign-in through an OpenID provider: GET /auth/login/demo, GET /auth/callback/demo", func(ctx context.Context) error {
			return atProvider.signInAtProvider(ctx, s.gateway+"/auth/login/demo?return_to=/")
		}},
		{"a refresh of that session: POST /auth/refresh", func(ctx context.Context) error {
			_, err := atProvider.ask(ctx, http.MethodPost, s.gateway+"/auth/refresh", "", nil)
			return err
		}},
		{"a back-channel logout of it: POST /auth/backchannel-logout/demo", func(ctx context.Context) error {
			_, err := atProvider.open(ctx, http.MethodPost, s.provider+"/sign-out", nil)
			return err
		}},
	}
}

// signIn signs a browser in with the password.
func (s *stage) signIn(ctx context.Context, b *browser) error {
	body, err := json.Marshal(map[string]string{"email": email, "password": password})
	if err == nil {
		_, err = b.ask(ctx, http.MethodPost, s.gateway+"/auth/login", string(body), map[string]string{"Content-Type": "application/json"})
	}
	return err
}

// show watches one flow after the other and prints what it saw.
func (s *stage) show(ctx context.Context, out io.Writer, turns bool) error {
	signedIn := newBrowser("")
	if err := s.signIn(ctx, signedIn); err != nil {
		return err
	}
	for _, f := range s.flows(signedIn) {
		seen, err := s.watch(ctx, f.visit)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(out, seen.text(f.title, turns)); err != nil {
			return err
		}
	}
	return nil
}
