package provider_test

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/provider"
)

func TestRefreshTokensRotate(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	first := a.signIn(provider.NewVisitor(ada))
	p.SetPerson(provider.Person{Subject: adaSub, Email: ada, Claims: map[string]any{"groups": []string{"/new"}}})
	second, err := a.refresh(first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if second.RefreshToken == "" || second.RefreshToken == first.RefreshToken {
		t.Error("the refresh token did not rotate")
	}
	id, claims := a.claims(second)
	if id.Subject != adaSub || id.Nonce != "" || claims["sid"] != sidOf(a, first) {
		t.Errorf("the ID token says %v", claims)
	}
	if groups, _ := claims["groups"].([]any); !slices.Equal(groups, []any{"/new"}) || hasKey(claims, "name") {
		t.Errorf("the ID token says %v, although the person has changed", claims)
	}
	if _, err := a.refresh(second.RefreshToken); err != nil {
		t.Errorf("the next refresh: %v", err)
	}
	tally := p.Tally()
	if tally.Rotations != 2 || tally.Reuses != 0 || tally.RefreshCalls[first.RefreshToken] != 1 || p.At(provider.Refresh).Count() != 2 {
		t.Errorf("tally %+v", tally)
	}
}

func TestARefreshTokenUsedTwiceEndsItsFamily(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	other := a.signIn(provider.NewVisitor(ada))
	first := a.signIn(provider.NewVisitor(ada))
	second, err := a.refresh(first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.refresh(first.RefreshToken)
	wantOAuthError(t, err, "invalid_grant")
	_, err = a.refresh(second.RefreshToken)
	wantOAuthError(t, err, "invalid_grant")
	if _, err := a.refresh(other.RefreshToken); err != nil {
		t.Errorf("another family ended too: %v", err)
	}
	if tally := p.Tally(); tally.Reuses != 1 || tally.RefreshCalls[first.RefreshToken] != 2 {
		t.Errorf("tally %+v", tally)
	}
}

func TestOfParallelRefreshesOneSucceeds(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	token := a.signIn(provider.NewVisitor(ada)).RefreshToken
	const calls = 16
	var wg sync.WaitGroup
	var mu sync.Mutex
	succeeded := 0
	for range calls {
		wg.Go(func() {
			if _, err := a.refresh(token); err == nil {
				mu.Lock()
				defer mu.Unlock()
				succeeded++
			}
		})
	}
	wg.Wait()
	if tally := p.Tally(); succeeded != 1 || tally.Rotations != 1 || tally.Reuses != calls-1 || tally.RefreshCalls[token] != calls {
		t.Errorf("%d succeeded; %+v", succeeded, tally)
	}
}

func TestRefreshIsRefused(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{})
	a, b := register(t, p, provider.Client{ID: "shop", Secret: "1"}), register(t, p, provider.Client{ID: "desk", Secret: "2"})
	for _, c := range []struct {
		name   string
		by     *app
		before func(token string)
	}{
		{"to another client", b, func(string) {}},
		{"when the person is gone", a, func(string) { p.RemovePerson(adaSub) }},
		{"when the session was ended", a, func(string) { p.SignOutEverywhere(t.Context(), adaSub) }},
		{"when the token was revoked", a, func(token string) { revoke(t, p, "shop", "1", token) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.SetPerson(provider.DemoPeople()[0])
			token := a.signIn(provider.NewVisitor(ada)).RefreshToken
			c.before(token)
			_, err := c.by.refresh(token)
			wantOAuthError(t, err, "invalid_grant")
		})
	}
	t.Run("but the revocation of another client is no revocation", func(t *testing.T) {
		p.SetPerson(provider.DemoPeople()[0])
		token := a.signIn(provider.NewVisitor(ada)).RefreshToken
		revoke(t, p, "desk", "2", token)
		if _, err := a.refresh(token); err != nil {
			t.Error(err)
		}
	})
}

func revoke(t *testing.T, p *provider.Provider, client, secret, token string) {
	t.Helper()
	resp, err := http.PostForm(p.Issuer()+"/revoke", url.Values{"token": {token}, "client_id": {client}, "client_secret": {secret}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestRefreshTokensMayStay(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{KeepRefreshTokens: true})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	token := a.signIn(provider.NewVisitor(ada)).RefreshToken
	for range 2 {
		status, answer := postToken(t, p, url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"shop"}, "client_secret": {"1"},
		})
		if status != http.StatusOK || answer["access_token"] == nil || hasKey(answer, "refresh_token") {
			t.Errorf("%d %v", status, answer)
		}
	}
	if tally := p.Tally(); tally.Rotations != 0 || tally.Reuses != 0 || tally.RefreshCalls[token] != 2 {
		t.Errorf("tally %+v", tally)
	}
}

// What a client loses when the connection drops after the rotation: the
// provider has spent the token, and takes the second try for theft.
func TestAnAnswerThatIsDroppedAfterTheRotation(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault.Fault{
		"dropped in the middle": fault.Dropped(),
		"cut short":             fault.Truncated(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, provider.Config{})
			a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
			token := a.signIn(provider.NewVisitor(ada)).RefreshToken
			p.At(provider.Refresh).Break(fault.Times(1, f))
			if _, err := a.refresh(token); err == nil {
				t.Error("the first answer came through")
			}
			if got := p.Tally().Rotations; got != 1 {
				t.Errorf("%d rotations", got)
			}
			_, err := a.refresh(token)
			wantOAuthError(t, err, "invalid_grant")
			if got := p.Tally().Reuses; got != 1 {
				t.Errorf("%d reuses", got)
			}
		})
	}
}

func TestARefreshThatNeverReachedTheLibrarySpendsNothing(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	token := a.signIn(provider.NewVisitor(ada)).RefreshToken
	p.At(provider.Refresh).Break(fault.Times(2, fault.Status(http.StatusServiceUnavailable)))
	for range 2 {
		if _, err := a.refresh(token); err == nil {
			t.Error("a 503 was taken for success")
		}
	}
	if _, err := a.refresh(token); err != nil {
		t.Error(err)
	}
	if tally := p.Tally(); tally.RefreshCalls[token] != 3 || tally.Reuses != 0 {
		t.Errorf("tally %+v", tally)
	}
}

func TestAProviderThatIsDownComesBackAsItWas(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	token := a.signIn(provider.NewVisitor(ada)).RefreshToken
	p.Down()
	if _, err := a.refresh(token); err == nil {
		t.Error("it answers while it is down")
	}
	if err := p.Up(); err != nil {
		t.Fatal(err)
	}
	second, err := a.refresh(token)
	if err != nil {
		t.Fatal(err)
	}
	a.claims(second)
}

func TestLivesOfTokens(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{AccessTokenLife: time.Hour, IDTokenLife: 2 * time.Hour})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	token := a.signIn(provider.NewVisitor(ada))
	id, _ := a.claims(token)
	if life := time.Until(token.Expiry).Round(time.Minute); life != time.Hour {
		t.Errorf("the access token lives %v", life)
	}
	if life := id.Expiry.Sub(id.IssuedAt).Round(time.Minute); life != 2*time.Hour {
		t.Errorf("the ID token lives %v", life)
	}
}
