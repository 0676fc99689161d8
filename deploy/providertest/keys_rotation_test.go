package providertest

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/provider"
)

// Providers rotate their keys, with care or without.
func TestNewKeysSignNobodyOutAndLetSignInsWork(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]bool{"the old key is kept": true, "the old key is dropped": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, provider.Config{})
			before := signedIn(t, s.Process, "keycloak", adaAddress)
			late := provider.NewVisitor(linusAddress)
			answer := answerOf(t, late, s.Process, "keycloak") // somebody is in the midst of it
			rotate(t, s.provider, keep)
			wantSession(t, before, s.Process, true)
			mustOpen(t, late, answer.String())
			wantSession(t, late, s.Process, true)
			signedIn(t, s.Process, "keycloak", adaAddress)
			wantSession(t, before, s.Process, true)
			if n := s.provider.At(provider.Keys).Count(); n != 2 {
				t.Errorf("the keys were fetched %d times, want 2", n)
			}
		})
	}
}

func rotate(t *testing.T, p *provider.Provider, keep bool) {
	t.Helper()
	if _, err := p.RotateKey(keep); err != nil {
		t.Fatal(err)
	}
}

// The key changes while the very ID token is on its way.
func TestKeysThatChangeWhileATokenIsOnItsWay(t *testing.T) {
	t.Parallel()
	t.Run("a key that the gateway knew still verifies", func(t *testing.T) {
		t.Parallel()
		s := openShop(t, provider.Config{})
		signedIn(t, s.Process, "keycloak", adaAddress)
		v := signInAcrossRotation(t, s, false)
		wantSession(t, v, s.Process, true)
	})
	t.Run("a key that was kept verifies", func(t *testing.T) {
		t.Parallel()
		s := openShop(t, provider.Config{})
		v := signInAcrossRotation(t, s, true)
		wantSession(t, v, s.Process, true)
	})
	t.Run("a key that nobody has any more does not, and the next sign-in works", func(t *testing.T) {
		t.Parallel()
		s := openShop(t, provider.Config{})
		v := signInAcrossRotation(t, s, false)
		wantStranger(t, v, s.Process)
		mustVisit(t, v, s.URL+"/auth/login/keycloak")
		wantSession(t, v, s.Process, true)
	})
}

// signInAcrossRotation rotates the keys between the moment an ID token is made
// and the moment the gateway gets it.
func signInAcrossRotation(t *testing.T, s *shop, keep bool) *provider.Visitor {
	t.Helper()
	token := s.provider.At(provider.Token)
	token.Break(fault.Rewrite(func(*http.Request, *fault.Answer) { _, _ = s.provider.RotateKey(keep) }))
	defer token.Mend()
	v := provider.NewVisitor(adaAddress)
	mustVisit(t, v, s.URL+"/auth/login/keycloak")
	return v
}

// Whoever floods the gateway with made-up key names must not flood the provider
// with questions for its keys.
func TestAFloodOfUnknownKidsDoesNotReachTheProvider(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{})
	v := signedIn(t, s.Process, "keycloak", adaAddress)
	began := time.Now()
	const most = 60
	statuses := make(chan int, most)
	var group sync.WaitGroup
	for range most {
		group.Go(func() {
			token := s.provider.LogoutToken("shop", adaSubject, "")
			token.Header["kid"] = "made-up-" + time.Now().String()
			raw, err := token.Sign()
			if err != nil {
				t.Error(err)
			}
			status, _, err := s.provider.SendLogout(context.Background(), "shop", raw)
			if err != nil {
				t.Error(err)
			}
			statuses <- status
		})
	}
	group.Wait()
	close(statuses)
	for status := range statuses {
		// Whether there is such a key by now cannot be told for each of them.
		if status != http.StatusBadRequest && status != http.StatusServiceUnavailable {
			t.Errorf("a token of an unknown key is answered with %d", status)
		}
	}
	// One more than at the sign-in, and one for each ten seconds that it took.
	allowed := 2 + int(time.Since(began)/(10*time.Second)) + 1
	if n := s.provider.At(provider.Keys).Count(); n > allowed {
		t.Errorf("the keys were fetched %d times, want %d at the most", n, allowed)
	}
	wantSession(t, v, s.Process, true)
	signedIn(t, s.Process, "keycloak", adaAddress)
}

// Discovery and keys are fetched once, whoever comes at the same moment.
func TestManySignInsAtOnceAskForDiscoveryAndKeysOnce(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{})
	gate := make(chan struct{})
	s.provider.At(provider.Discovery).Break(fault.Held(gate))
	visitors := make([]*provider.Visitor, gatewaytest.Rounds(16, 50))
	begun, done := make(chan struct{}, len(visitors)), make(chan error, len(visitors))
	for i := range visitors {
		visitors[i] = provider.NewVisitor(adaAddress)
		go func() {
			begun <- struct{}{}
			page, err := visitors[i].Visit(s.URL + "/auth/login/keycloak")
			if err == nil && page.URL.Path != "/" {
				err = &url.Error{Op: "sign in", URL: page.URL.Path, Err: http.ErrNotSupported}
			}
			done <- err
		}()
	}
	for range visitors {
		<-begun
	}
	gatewaytest.Await(t, "the gateway asks for discovery", func() bool { return s.provider.At(provider.Discovery).Count() > 0 })
	close(gate)
	for range visitors {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for _, e := range []provider.Endpoint{provider.Discovery, provider.Keys} {
		if n := s.provider.At(e).Count(); n != 1 {
			t.Errorf("%s was asked %d times, want 1", e, n)
		}
	}
	for _, v := range visitors {
		wantSession(t, v, s.Process, true)
	}
}

// A key set that is nonsense for a moment does not replace keys that work.
func TestANonsenseKeySetDoesNotReplaceKeysThatWork(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]fault.Fault{
		"a page": fault.HTML(), "empty": fault.JSON(func(set map[string]any) { set["keys"] = []any{} }), "cut short": fault.Truncated(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, provider.Config{})
			signedIn(t, s.Process, "keycloak", adaAddress)
			s.provider.At(provider.Keys).Break(broken)
			s.provider.At(provider.Token).Break(s.provider.ForgedIDToken(func(f *provider.JWT) { f.Header["kid"] = "unknown" }))
			v := provider.NewVisitor(adaAddress)
			page := mustVisit(t, v, s.URL+"/auth/login/keycloak")
			wantStranger(t, v, s.Process)
			if !strings.Contains(page.Body, `id="failure"`) {
				t.Errorf("%d %s", page.Status, page.Body)
			}
			s.provider.At(provider.Token).Mend()
			signedIn(t, s.Process, "keycloak", adaAddress)
		})
	}
}

// With no keys at all nobody is let in, and the words are those for trouble.
func TestWithoutKeysNobodyIsLetIn(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{})
	s.provider.At(provider.Keys).Break(fault.Status(http.StatusInternalServerError))
	v := provider.NewVisitor(adaAddress)
	wantFailure(t, mustVisit(t, v, s.URL+"/auth/login/keycloak"), http.StatusServiceUnavailable, web.ProviderAway)
	wantStranger(t, v, s.Process)
	s.provider.At(provider.Keys).Mend()
	gatewaytest.Await(t, "sign-ins work again", func() bool {
		mustVisit(t, v, s.URL+"/auth/login/keycloak")
		status, _ := sessionAt(t, v, s.Process)
		return status == http.StatusOK
	})
}
