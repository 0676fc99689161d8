package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"example.com/sidegate/deploy/providertest/provider"
)

// logoutClaims are those of Back-Channel Logout 1.0 section 2.4.
type logoutClaims struct {
	Subject string                    `json:"sub"`
	SID     string                    `json:"sid"`
	JTI     string                    `json:"jti"`
	Nonce   *string                   `json:"nonce"`
	Events  map[string]map[string]any `json:"events"`
}

// wantLogout verifies the logout token that came to the app, against the
// public keys.
func (a *app) wantLogout() logoutClaims {
	a.t.Helper()
	raw := <-a.logouts
	token, err := a.verifier.Verify(a.ctx, raw)
	if err != nil {
		a.t.Fatal(err)
	}
	var claims logoutClaims
	if err := token.Claims(&claims); err != nil {
		a.t.Fatal(err)
	}
	event, ok := claims.Events["http://schemas.openid.net/event/backchannel-logout"]
	if !ok || len(event) != 0 || claims.JTI == "" || claims.Nonce != nil || token.IssuedAt.IsZero() {
		a.t.Errorf("the logout token says %+v", claims)
	}
	return claims
}

func TestBackChannelLogout(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{})
	a, b := register(t, p, provider.Client{ID: "shop", Secret: "1"}), register(t, p, provider.Client{ID: "desk", Secret: "2"})
	signIn := func() (v *provider.Visitor, sid string) {
		v = provider.NewVisitor(ada)
		a.signIn(v)
		return v, sidOf(b, b.signIn(v)).(string)
	}
	t.Run("of one session goes to each of its clients", func(t *testing.T) {
		v, sid := signIn()
		_, kept := signIn()
		calls := p.SignOut(t.Context(), sid)
		if len(calls) != 2 || calls[0].Status != http.StatusOK || calls[1].Status != http.StatusOK {
			t.Errorf("calls %+v", calls)
		}
		for _, client := range []*app{a, b} {
			if got := client.wantLogout(); got.SID != sid || got.Subject != adaSub {
				t.Errorf("the logout token says %+v", got)
			}
		}
		if page, err := v.Open(a.begin().url); err != nil || !page.AsksWho() {
			t.Errorf("the browser is still signed in: %v", err)
		}
		if sids := p.Sessions(adaSub); len(sids) != 1 || sids[0] != kept {
			t.Errorf("sessions %v", sids)
		}
		p.SignOut(t.Context(), kept)
		a.wantLogout()
		b.wantLogout()
	})
	t.Run("of a person goes to each client once", func(t *testing.T) {
		signIn()
		signIn()
		calls := p.SignOutEverywhere(t.Context(), adaSub)
		if len(calls) != 2 || len(p.Sessions(adaSub)) != 0 {
			t.Errorf("calls %+v", calls)
		}
		for _, client := range []*app{a, b} {
			if got := client.wantLogout(); got.SID != "" || got.Subject != adaSub {
				t.Errorf("the logout token says %+v", got)
			}
		}
	})
	t.Run("a forged one does not verify", func(t *testing.T) {
		forged := p.LogoutToken("shop", adaSub, "")
		forged.Header["alg"], forged.Key = "HS256", []byte("1")
		raw, err := forged.Sign()
		if err != nil {
			t.Fatal(err)
		}
		if status, _, err := p.SendLogout(t.Context(), "shop", raw); err != nil || status != http.StatusOK {
			t.Fatalf("%d %v", status, err)
		}
		if _, err := a.verifier.Verify(a.ctx, <-a.logouts); err == nil {
			t.Error("it was taken")
		}
	})
	t.Run("a client that is down is reported", func(t *testing.T) {
		_, sid := signIn()
		b.server.Close()
		calls := p.SignOut(t.Context(), sid)
		if len(calls) != 2 || calls[0].Client != "desk" || calls[0].Err == nil || calls[0].Status != 0 {
			t.Errorf("calls %+v", calls)
		}
		if all := p.LogoutCalls(); len(all) < 2 || all[len(all)-2].Err == nil {
			t.Errorf("calls %+v", all)
		}
		a.wantLogout()
	})
	t.Run("no address that leaves this machine is called", func(t *testing.T) {
		p.SetClient(provider.Client{ID: "far", BackChannelLogoutURI: "http://sso.example.com/"})
		if _, _, err := p.SendLogout(t.Context(), "far", "x"); err == nil || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%v", err)
		}
	})
}

func TestRPInitiatedLogout(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{Path: "/realms/acme"})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	signIn := func() (v *provider.Visitor, idToken string) {
		v = provider.NewVisitor(ada)
		return v, a.signIn(v).Extra("id_token").(string)
	}
	end := func(t *testing.T, v *provider.Visitor, query url.Values) *provider.Page {
		t.Helper()
		page, err := v.Open(p.Issuer() + "/end_session?" + query.Encode())
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	t.Run("with the ID token ends the session and goes back to the app", func(t *testing.T) {
		v, idToken := signIn()
		page := end(t, v, url.Values{"id_token_hint": {idToken}, "post_logout_redirect_uri": {a.server.URL + "/bye"}, "state": {"s"}})
		if got := page.URL.String(); got != a.server.URL+"/bye?state=s" {
			t.Errorf("the browser is at %s", got)
		}
		if len(p.Sessions(adaSub)) != 0 || a.wantLogout().Subject != adaSub {
			t.Error("the session goes on")
		}
	})
	t.Run("with the ID token alone ends at the provider", func(t *testing.T) {
		v, idToken := signIn()
		if page := end(t, v, url.Values{"id_token_hint": {idToken}}); !strings.Contains(page.Body, "Signed out") {
			t.Errorf("the page is %s", page.Body)
		}
		a.wantLogout()
	})
	t.Run("without the ID token the person is asked", func(t *testing.T) {
		v, _ := signIn()
		page := end(t, v, url.Values{"client_id": {"shop"}})
		if !strings.Contains(page.Body, "Sign out?") || len(p.Sessions(adaSub)) != 1 {
			t.Fatalf("the page is %s", page.Body)
		}
		resp, err := v.Client.PostForm(page.URL.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if len(p.Sessions(adaSub)) != 0 || a.wantLogout().Subject != adaSub {
			t.Error("the session goes on")
		}
	})
	t.Run("an address that is not registered is not gone to", func(t *testing.T) {
		v, idToken := signIn()
		page := end(t, v, url.Values{"id_token_hint": {idToken}, "post_logout_redirect_uri": {a.server.URL + "/elsewhere"}})
		if page.Status != http.StatusBadRequest || len(p.Sessions(adaSub)) != 1 {
			t.Errorf("%d, the browser is at %s", page.Status, page.URL)
		}
	})
	t.Run("a forged ID token ends nothing", func(t *testing.T) {
		forged := p.NewJWT("JWT", map[string]any{"iss": p.Issuer(), "sub": adaSub, "sid": p.Sessions(adaSub)[0], "aud": "shop", "azp": "shop", "exp": 1e10})
		forged.Header["alg"] = "none"
		raw, err := forged.Sign()
		if err != nil {
			t.Fatal(err)
		}
		v := provider.NewVisitor(ada)
		if page := end(t, v, url.Values{"id_token_hint": {raw}}); page.Status != http.StatusBadRequest || len(p.Sessions(adaSub)) != 1 {
			t.Errorf("%d, the browser is at %s", page.Status, page.URL)
		}
	})
}

// The metadata are read as clients do.
func TestMetadataOfLogout(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{})
	found, err := oidc.NewProvider(t.Context(), p.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	var metadata struct {
		EndSession string `json:"end_session_endpoint"`
		Back       bool   `json:"backchannel_logout_supported"`
		BackBySID  bool   `json:"backchannel_logout_session_supported"`
	}
	if err := found.Claims(&metadata); err != nil || metadata.EndSession != p.Issuer()+"/end_session" || !metadata.Back || !metadata.BackBySID {
		t.Errorf("%+v %v", metadata, err)
	}
}
