package providertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/deploy/providertest/provider"
)

// A code of one provider must never reach another one, nor one client's code
// sign somebody in at another's (RFC 9700 section 4.4).
func TestAnswersOfSeveralProvidersAreNotMixedUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		// answer is what the browser brings, of two attempts that it began.
		answer func(one, other *url.URL) string
		// begun is the login of the second attempt; the first is keycloak's.
		begun string
		// failure is what the page says: that the provider knows no such code, where
		// it was asked.
		failure web.Failure
	}{
		{"the other's code and iss with this one's state", func(one, other *url.URL) string {
			return with(one, func(q url.Values) { q.Set("code", other.Query().Get("code")); q.Set("iss", other.Query().Get("iss")) })
		}, "other", web.Forged},
		{"the other's code with this one's state and iss", func(one, other *url.URL) string {
			return with(one, set("code", other.Query().Get("code")))
		}, "other", web.Spent},
		{"this one's code with the other's state", func(one, other *url.URL) string {
			return with(other, func(q url.Values) { q.Set("code", one.Query().Get("code")); q.Set("iss", one.Query().Get("iss")) })
		}, "other", web.Forged},
		{"this one's whole answer at the other's callback", func(one, other *url.URL) string {
			return strings.Replace(one.String(), one.Path, other.Path, 1)
		}, "other", web.Forged},
		{"the other's whole answer at this one's callback", func(one, other *url.URL) string {
			return strings.Replace(other.String(), other.Path, one.Path, 1)
		}, "other", web.Forged},
		{"the whole answer of another client at this one's callback", func(one, twin *url.URL) string {
			return strings.Replace(twin.String(), twin.Path, one.Path, 1)
		}, "twin", web.Forged},
		{"the code of another client", func(one, twin *url.URL) string {
			return with(one, set("code", twin.Query().Get("code")))
		}, "twin", web.Spent},
		{"the code of another attempt, which PKCE tells apart", func(one, second *url.URL) string {
			return with(one, set("code", second.Query().Get("code")))
		}, "keycloak", web.Spent},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := openMarket(t)
			codes := newWitness(m.other)
			v := provider.NewVisitor(adaAddress)
			one := answerOf(t, v, m.Process, "keycloak")
			second := answerOf(t, v, m.Process, c.begun)
			m.wantRefused(t, v, c.answer(one, second), 400, c.failure)
			if codes.saw(one.Query().Get("code")) {
				t.Error("a code was sent to a provider that did not give it")
			}
		})
	}
}

// A provider that says it is another one gets the codes that it gave itself,
// and no session comes of them.
func TestAProviderThatPosesAsAnotherGainsNothing(t *testing.T) {
	t.Parallel()
	m := openMarket(t)
	signedIn(t, m.Process, "other", adaAddress) // its metadata is known by now
	m.other.SetResponseIssuer(m.one.Issuer())
	v := provider.NewVisitor(adaAddress)
	page := mustVisit(t, v, m.URL+"/auth/login/other")
	wantFailure(t, page, 400, web.Forged)
	wantStranger(t, v, m.Process)

	t.Run("nor one whose ID tokens are another's", func(t *testing.T) {
		m.other.SetResponseIssuer(m.other.Issuer())
		m.other.At(provider.Token).Break(m.other.WrongClaim("iss", m.one.Issuer()))
		v := provider.NewVisitor(adaAddress)
		wantFailure(t, mustVisit(t, v, m.URL+"/auth/login/other"), 401, web.Misconfigured)
		wantStranger(t, v, m.Process)
	})
}

// One person of two providers is two people here: neither may take the other's
// place.
func TestTheSameSubjectOfTwoProvidersIsTwoPeople(t *testing.T) {
	t.Parallel()
	m := openMarket(t)
	_, one := sessionAt(t, signedIn(t, m.Process, "keycloak", adaAddress), m.Process)
	_, other := sessionAt(t, signedIn(t, m.Process, "other", adaAddress), m.Process)
	_, again := sessionAt(t, signedIn(t, m.Process, "keycloak", adaAddress), m.Process)
	if one.ID == other.ID || one.ID != again.ID {
		t.Errorf("the ids are %d and %d, and the first again is %d", one.ID, other.ID, again.ID)
	}
}

func TestAnAnswerIsGoodOnce(t *testing.T) {
	t.Parallel()
	m := openMarket(t)
	v := provider.NewVisitor(adaAddress)
	answer := answerOf(t, v, m.Process, "keycloak")
	attempt := attemptCookie(t, v, m.Process, answer)
	mustOpen(t, v, answer.String())
	wantSession(t, v, m.Process, true)
	asked := m.asked()

	t.Run("a reload tells who is signed in that they are", func(t *testing.T) {
		page := mustOpen(t, v, answer.String())
		if page.Status != http.StatusOK || !strings.Contains(page.Body, "You are signed in as") {
			t.Errorf("%d %s", page.Status, page.Body)
		}
		wantNoEcho(t, page, with(answer, del("iss"))) // its origin is where the button to sign out leads
		wantSession(t, v, m.Process, true)
	})
	t.Run("another browser cannot use it", func(t *testing.T) {
		m.wantBegunAgain(t, provider.NewVisitor(graceAddress), answer.String())
	})
	if m.asked() != asked {
		t.Errorf("the code was redeemed again: %v, before %v", m.asked(), asked)
	}
	t.Run("nor with its cookie, for the state is good once, at whatever gateway", func(t *testing.T) {
		page := openWith(t, answer.String(), attempt.Name+"="+attempt.Value)
		if page.Status != http.StatusOK || !strings.Contains(page.Body, "This sign-in is finished") {
			t.Errorf("%d %s", page.Status, page.Body)
		}
		wantNoEcho(t, page, answer.String())
		wantNoSessionCookie(t, page)
	})
	if m.asked() != asked {
		t.Errorf("the code was redeemed again: %v, before %v", m.asked(), asked)
	}
	t.Run("who is signed in is told so, with its cookie too", func(t *testing.T) {
		at, err := url.Parse(m.Process.URL)
		if err != nil {
			t.Fatal(err)
		}
		v.Client.Jar.SetCookies(at, []*http.Cookie{{Name: attempt.Name, Value: attempt.Value, Path: "/"}})
		page := mustOpen(t, v, answer.String())
		if page.Status != http.StatusOK || !strings.Contains(page.Body, "You are signed in as") {
			t.Errorf("%d %s", page.Status, page.Body)
		}
		wantSession(t, v, m.Process, true)
	})
	t.Run("nor in an attempt of somebody else", func(t *testing.T) {
		thief := provider.NewVisitor(graceAddress)
		own := answerOf(t, thief, m.Process, "keycloak")
		m.wantRefused(t, thief, with(own, set("code", answer.Query().Get("code"))), 400, web.Spent)
	})
	if n := m.one.Tally().CodeReuses; n != 1 {
		t.Errorf("the provider saw %d codes again, want 1", n)
	}
}
