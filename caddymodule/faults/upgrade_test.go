package faults_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// earlierCommit is the one whose formats are kept: what its binary has written
// is good in this one, and what this one writes is good there, so that nobody is
// signed out by an upgrade, nor by the way back, nor while both are at work.
//
// It stays where it is when a format changes. What is no longer so is named
// here, by leaving it out of that direction with the reason beside it, and in
// CHANGELOG.md, which says what changes for whom.
const earlierCommit = "cfe7e5233aa567357dd9e647f5839b74ecbcc2f7"

func TestAnUpgradeAndTheWayBackSignNobodyOut(t *testing.T) {
	t.Parallel()
	earlier, this := buildEarlier(t), binary{}
	for _, c := range []struct {
		name     string
		from, to binary
	}{
		{"from the earlier binary to this one, with the embedded store", earlier.binary, this},
		{"from this binary to the earlier one, with the embedded store", this, earlier.binary},
	} {
		t.Run(c.name, func(t *testing.T) {
			// No secret is configured: the one that the first has made and
			// keeps in Caddy's storage is the second's too.
			sso := gatewaytest.NewIDP(t)
			p := gatewaytest.NewProcess(t, gatewaytest.Site{Options: sso.Login("sso", "")})
			c.from.run(p)
			w := live(t, p, sso, "one")
			p.Terminate()
			c.to.run(p)
			w.goesOn(t, p)
			w.signInGoesOn(t, p)
		})
	}
	t.Run("while both share one Redis", func(t *testing.T) {
		sso := gatewaytest.NewIDP(t)
		// Revocations are heard of, for what is cached is believed for an hour.
		site := gatewaytest.Site{Hasty: true, Options: sso.Login("sso", "") + "cache 1h 1000"}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret)
		one, other := gatewaytest.NewProcess(t, site), gatewaytest.NewProcess(t, site)
		earlier.run(one)
		this.run(other)
		ofOne, ofOther := live(t, one, sso, "one"), live(t, other, sso, "other")
		ofOne.goesOn(t, other)
		ofOther.goesOn(t, one)
		hears(t, one, other)
		hears(t, other, one)
	})
	t.Run("and who is active at one of two is active at the other", func(t *testing.T) {
		site := idleSite("").OnRedis(redistest.Start(t), gatewaytest.PresentSecret)
		one, other := gatewaytest.NewProcess(t, site), gatewaytest.NewProcess(t, site)
		earlier.run(one)
		this.run(other)
		// Each session was begun at one of them, is active there for longer than
		// the idle timeout, then at the other, and is never gone at either.
		atOne, atOther := newClicker(t, one, other), newClicker(t, other, one)
		for range 2 {
			atOne.clicks(away(), atOther)
			atOne.comesBack() // on a busy machine Redis may just have been late
			atOther.comesBack()
			atOne.moves()
			atOther.moves()
		}
		// This binary ends them idle, whoever wrote them last.
		atOther.goesIdleAt(other.Server)
		atOne.goesIdleAt(other.Server)
	})
	t.Run("and what an earlier record does not say ends nobody", func(t *testing.T) { wantMarkedLater(t, earlier.binary, this) })
	t.Run("and a session with a user name is good at both", func(t *testing.T) { wantNamesBorne(t, earlier.binary, this) })
	t.Run("and a session with an access token is good at both", func(t *testing.T) { wantAccessBorne(t, earlier.binary, this) })
	t.Run("and a number that two have is the first's", func(t *testing.T) { wantFirstKept(t, earlier.binary, this) })
	t.Run("and under load", func(t *testing.T) { underLoad(t, earlier.binary, this) })
	t.Run("and Caddyfiles are read as ever", func(t *testing.T) { readsAsEver(t, earlier) })
}

// world is what a gateway has given out and written down.
type world struct {
	sso      *gatewaytest.IDP
	cookie   string // of Ada, who has chosen an account
	short    string // a token of that session, which lives a few minutes
	token    string // of Grace, as programs have it
	gone     string // a cookie that was signed out
	kept     *gatewaytest.Browser
	linked   *gatewaytest.Browser
	sid      string // of linked at the provider
	subject  string // of linked
	number   int64  // of linked, who has none at the provider
	begun    *gatewaytest.Browser
	callback string             // where begun is sent back to by the provider
	word     string             // a logout token that was used
	guessed  string             // an address whose password was guessed too often
	keys     string             // the public ones, as they are answered
	device   gatewaytest.Device // that of cookie, as it is listed
}

// live is somebody of each kind, at that gateway. The tag tells worlds apart
// that share a store.
func live(t *testing.T, p *gatewaytest.Process, sso *gatewaytest.IDP, tag string) *world {
	t.Helper()
	w := &world{sso: sso, subject: "mary-" + tag, sid: "sid-mary-" + tag, guessed: "guessed-" + tag + "@example.com"}
	ada := p.WithCookie(t, gatewaytest.Ada)
	ada.Choose("globex").WantAccount(t, "globex")
	w.cookie, w.short = ada.Cookie, ada.Get("/auth/session").Want(t, http.StatusOK).Session(t).Token
	w.token = p.WithToken(t, gatewaytest.Grace).Bearer
	gone := p.WithCookie(t, gatewaytest.Ada)
	w.gone = gone.Cookie
	gone.Post("/auth/logout").Want(t, http.StatusNoContent)
	w.kept = p.SignedInAt(t, sso, "joan-"+tag, "sid-joan-"+tag)
	w.linked = p.SignedInAt(t, sso, w.subject, w.sid)
	w.number = w.linked.Do(http.MethodGet, "/auth/session", "").Want(t, http.StatusOK).Session(t).ID
	w.begun = p.Browser(t)
	w.callback = w.begun.Begin(sso, "sso", "/back")
	w.word = sso.LogoutToken(map[string]any{"sid": "nobody-" + tag})
	tell(t, p.Server, w.word).Want(t, http.StatusOK)
	for tries := 0; p.Client(t).TrySignIn(w.guessed, "guess").StatusCode != http.StatusTooManyRequests; tries++ {
		if tries == 50 {
			t.Fatal("a password can be guessed without end")
		}
	}
	w.keys, w.device = keysOf(t, p.Server), deviceOf(ada)
	return w
}

// goesOn checks that all of it is good at another gateway.
func (w *world) goesOn(t *testing.T, at *gatewaytest.Process) {
	t.Helper()
	for _, c := range []struct {
		name string
		is   func(t *testing.T)
	}{
		{"a cookie is good, and the chosen account stays", func(t *testing.T) {
			c := at.With(t, w.cookie, "")
			c.Get("/auth/session").WantAccount(t, "globex")
			c.Get("/app").Want(t, http.StatusOK)
			c.Post("/auth/refresh").WantAccount(t, "globex")
		}},
		{"a token from a sign-in by JSON is good", func(t *testing.T) { w.wantGood(t, at, w.token, gatewaytest.Grace) }},
		{"a short token is good", func(t *testing.T) { w.wantGood(t, at, w.short, gatewaytest.Ada) }},
		{"the public keys are the same", func(t *testing.T) {
			if got := keysOf(t, at.Server); got != w.keys {
				t.Errorf("there were\n%s\nand now there are\n%s", w.keys, got)
			}
		}},
		{"a device is listed as it was", func(t *testing.T) {
			if got := deviceOf(at.With(t, w.cookie, "")); got != w.device {
				t.Errorf("it was\n%+v\nand is\n%+v", w.device, got)
			}
		}},
		{"who has signed out stays signed out", func(t *testing.T) { at.WantDead(t, w.gone, "") }},
		{"a sign-out goes on to the provider with what was kept", func(t *testing.T) {
			b := w.kept.At(t, at.Server)
			to := b.Submit("/auth/logout", nil).Want(t, http.StatusSeeOther).Header.Get("Location")
			if end, err := url.Parse(to); err != nil || !strings.HasPrefix(to, w.sso.URL+"/end?") || end.Query().Get("id_token_hint") == "" {
				t.Errorf("it leads to %s", to)
			}
			b.WantSignedOut(t)
		}},
		{"the provider ends the session by its sid", func(t *testing.T) {
			b := w.linked.At(t, at.Server)
			b.WantSignedIn(t, w.subject+"@example.com")
			tell(t, at.Server, w.sso.LogoutToken(map[string]any{"sid": w.sid})).Want(t, http.StatusOK)
			b.WantSignedOut(t)
		}},
		{"a logout token is good once", func(t *testing.T) { tell(t, at.Server, w.word).Want(t, http.StatusBadRequest) }},
		{"a person keeps their number", func(t *testing.T) {
			b := at.SignedInAt(t, w.sso, w.subject, w.sid+"-again")
			if got := b.Do(http.MethodGet, "/auth/session", "").Want(t, http.StatusOK).Session(t).ID; got != w.number {
				t.Errorf("it was %d and is %d", w.number, got)
			}
		}},
		{"guesses at a password are counted on", func(t *testing.T) {
			at.Client(t).TrySignIn(w.guessed, "guess").Want(t, http.StatusTooManyRequests)
		}},
	} {
		t.Run(c.name, c.is)
	}
}

// signInGoesOn checks that a sign-in which began before is brought to its end:
// the gateway has the same address, as behind one balancer.
func (w *world) signInGoesOn(t *testing.T, at *gatewaytest.Process) {
	t.Helper()
	t.Run("a sign-in at the provider goes on", func(t *testing.T) {
		w.sso.But(t, map[string]any{"sub": "late", "sid": "sid-late", "email": "late@example.com"})
		b := w.begun.At(t, at.Server)
		b.Open(w.callback).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/back")
		b.WantSignedIn(t, "late@example.com")
	})
}

func (w *world) wantGood(t *testing.T, at *gatewaytest.Process, token, email string) {
	t.Helper()
	c := at.With(t, "", token)
	if got := c.Get("/auth/session").Want(t, http.StatusOK).Session(t); got.Email != email || got.Token != token {
		t.Errorf("the session is %+v", got)
	}
	c.Get("/app").Want(t, http.StatusOK)
}

// hears checks that a gateway hears of a sign-out at the other. Reading is not
// activity, whose writing down would find the session gone by itself.
func hears(t *testing.T, at, from *gatewaytest.Process) {
	t.Helper()
	there := from.WithCookie(t, gatewaytest.Grace)
	cookie := there.Cookie
	at.With(t, cookie, "").Get("/auth/session").Want(t, http.StatusOK)
	there.Post("/auth/logout").Want(t, http.StatusNoContent)
	gatewaytest.Await(t, "the other gateway has heard of the sign-out", func() bool {
		return at.With(t, cookie, "").Get("/auth/session").StatusCode == http.StatusUnauthorized
	})
}

// tell is what a provider sends.
func tell(t *testing.T, s *gatewaytest.Server, token string) gatewaytest.Answer {
	t.Helper()
	form := url.Values{"logout_token": {token}}.Encode()
	return s.Client(t).Do(http.MethodPost, "/auth/backchannel-logout/sso", form, "Content-Type", gatewaytest.AsForm)
}

// deviceOf is the client's own, without what changes by itself.
func deviceOf(c *gatewaytest.Client) gatewaytest.Device {
	c.T.Helper()
	for _, d := range gatewaytest.DevicesOf(c) {
		if d.Current {
			d.LastSeenAt, d.ExpiresAt, d.IdleExpiresAt = time.Time{}, time.Time{}, time.Time{}
			return d
		}
	}
	c.T.Fatal("no device is the current one")
	return gatewaytest.Device{}
}

func keysOf(t *testing.T, s *gatewaytest.Server) string {
	t.Helper()
	return s.Client(t).Get("/auth/.well-known/jwks.json").Want(t, http.StatusOK).Body
}
