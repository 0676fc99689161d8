package attacks_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// elsewhere is the password of people of the login legacy, which is not that of
// the users file, and further that of the login third.
const (
	elsewhere = "a pass phrase of legacy"
	further   = "a pass phrase of third"
)

// numbered is an app's login where people have the number that is in their
// address: 7@example.com.
func numbered(t *testing.T, name string) string {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent struct{ Email, Password string }
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil || sent.Password != "a pass phrase of "+name {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		number, _, _ := strings.Cut(sent.Email, "@")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"nr":%s}`, number)
	}))
	t.Cleanup(app.Close)
	return "login app " + name + " " + app.URL + " {\nmap {\nid `login.body.nr`\n}\n}\n"
}

// by is the address of whoever has that number there.
func by(number int64) string { return fmt.Sprintf("%d@example.com", number) }

// signsOut leaves nothing of the person for another test: the memory store is the
// process's.
func signsOut(c *gatewaytest.Client) {
	c.Do(http.MethodDelete, "/auth/sessions", "").Want(c.T, http.StatusNoContent)
	c.Do(http.MethodPost, "/auth/logout", "").Want(c.T, http.StatusNoContent)
}

func isAnothersNumber(t *testing.T, s *gatewaytest.Server, number int64) {
	t.Helper()
	s.Client(t).TrySignIn(by(number), elsewhere).WantError(t, http.StatusForbidden, "number_taken")
	page := s.Client(t).SignInByForm(by(number), elsewhere, "/").Want(t, http.StatusForbidden)
	if !strings.Contains(page.Body, "belongs to somebody else here") || page.Header.Get("Set-Cookie") != "" {
		t.Errorf("the page says\n%s", page.Body)
	}
}

// Two logins that know different people by one number made one person of them.
func TestNobodyIsAnotherByTheirNumber(t *testing.T) {
	for name, site := range gatewaytest.Stores(t) {
		t.Run(name, func(t *testing.T) {
			sso := gatewaytest.NewIDP(t)
			site.Options += "\n" + numbered(t, "legacy") + sso.Login("sso", "") + sso.Login("mapped", "map {\nid `token.nr`\n}")
			s := gatewaytest.Start(t, site)
			signsOut(s.WithCookie(t, gatewaytest.Ada))
			ada := s.WithCookie(t, gatewaytest.Ada)
			defer func() { signsOut(ada.In(t)) }()
			t.Run("of the users file, as one of an app", func(t *testing.T) {
				isAnothersNumber(t, s, 1)
				for range 30 { // which is no guessing of passwords
					s.Client(t).TrySignIn(by(1), elsewhere).Want(t, http.StatusForbidden)
				}
			})
			t.Run("of the users file, as one of a provider", func(t *testing.T) {
				sso.But(t, map[string]any{"sub": "mallory", "nr": 1})
				b := s.Browser(t)
				if page := b.Open(b.Begin(sso, "mapped", "")).Want(t, http.StatusForbidden); !strings.Contains(page.Body, "belongs to somebody else") {
					t.Errorf("the page says\n%s", page.Body)
				}
				b.WantSignedOut(t)
			})
			t.Run("of whom the store has given it to", func(t *testing.T) {
				mary := s.SignedInAt(t, sso, "mary-"+name, "sid")
				given := mary.Do(http.MethodGet, "/auth/session", "").Session(t).ID
				isAnothersNumber(t, s, given)
				mary.At(t, s).WantSignedIn(t, "mary-"+name+"@example.com")
				sso.But(t, map[string]any{"sub": "mary-" + name, "nr": given})
				s.Browser(t).SignInAt(sso, "mapped") // it is the provider's own person
			})
			t.Run("and the devices of the first are theirs alone", func(t *testing.T) {
				if own := gatewaytest.DevicesOf(ada.In(t)); len(own) != 1 || !own[0].Current {
					t.Errorf("listed are %+v", own)
				}
				other := s.Client(t)
				other.TrySignIn(by(7_000_007), elsewhere).Want(t, http.StatusOK)
				signsOut(other)
				ada.In(t).Get("/app").Want(t, http.StatusOK)
			})
		})
	}
}

func TestLoginsOfTheSamePeopleShareTheirNumbers(t *testing.T) {
	for name, site := range gatewaytest.Stores(t) {
		t.Run(name, func(t *testing.T) {
			site.Options += "\n" + numbered(t, "legacy") + numbered(t, "third") + "same_people users legacy"
			s := gatewaytest.Start(t, site)
			signsOut(s.WithCookie(t, gatewaytest.Ada))
			ada, again := s.WithCookie(t, gatewaytest.Ada), s.Client(t)
			if u := again.TrySignIn(by(1), elsewhere).Want(t, http.StatusOK).Session(t); u.ID != 1 {
				t.Errorf("the session is %+v", u)
			}
			if own := gatewaytest.DevicesOf(ada); len(own) != 2 {
				t.Errorf("listed are %+v", own)
			}
			signsOut(again)
			ada.Get("/app").Want(t, http.StatusUnauthorized)
		})
	}
}

func TestOfTwoPeopleWhoSignInAtOnceWithOneNumberOneIsLetIn(t *testing.T) {
	for name, site := range gatewaytest.Stores(t) {
		t.Run(name, func(t *testing.T) {
			site.Options += "\n" + numbered(t, "legacy") + numbered(t, "third")
			s := gatewaytest.Start(t, site)
			for number := int64(7_000_020); number < 7_000_023; number++ {
				var all sync.WaitGroup
				who, answers := make([]*gatewaytest.Client, 8), make([]gatewaytest.Answer, 8)
				for i := range who {
					who[i] = s.Client(t)
					all.Go(func() { answers[i] = who[i].TrySignIn(by(number), []string{elsewhere, further}[i%2]) })
				}
				all.Wait()
				methods := make(map[string]bool)
				for i, a := range answers {
					if a.StatusCode == http.StatusOK {
						methods[gatewaytest.DevicesOf(who[i])[0].Method] = true
						continue
					}
					a.WantError(t, http.StatusForbidden, "number_taken")
				}
				if len(methods) != 1 {
					t.Errorf("%d is signed in through %v", number, methods)
				}
			}
		})
	}
}

// Cannot tell is never "another", and lets nobody in.
func TestWhoseANumberIsThatCannotBeToldIsTrouble(t *testing.T) {
	srv := redistest.Start(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: numbered(t, "legacy")}.OnRedis(srv, gatewaytest.PresentSecret))
	signsOut(s.WithCookie(t, gatewaytest.Ada))
	kept, err := srv.Client().Keys(t.Context(), "sidegate:*:w:1").Result()
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept are %q, %v", kept, err)
	}
	if value, err := srv.Client().Get(t.Context(), kept[0]).Result(); err != nil || strings.Contains(value, "users") || strings.Contains(value, "ada") {
		t.Errorf("the store is told %q, %v", value, err)
	}
	if err := srv.Client().Rename(t.Context(), kept[0], "away").Err(); err != nil {
		t.Fatal(err)
	}
	if err := srv.Client().LPush(t.Context(), kept[0], "of another kind").Err(); err != nil {
		t.Fatal(err)
	}
	s.Client(t).TrySignIn(gatewaytest.Ada, gatewaytest.Password).WantError(t, http.StatusServiceUnavailable, "unavailable")
	s.Client(t).TrySignIn(by(1), elsewhere).WantError(t, http.StatusServiceUnavailable, "unavailable")
	if err := srv.Client().Rename(t.Context(), "away", kept[0]).Err(); err != nil {
		t.Fatal(err)
	}
	s.WithCookie(t, gatewaytest.Ada)
	isAnothersNumber(t, s, 1)
}
