package attacks_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// whoIs is the address of whom the gateway takes the cookie for; empty: nobody.
func whoIs(t *testing.T, handler http.Handler, host, cookie string) string {
	t.Helper()
	resp := sent(handler, http.MethodGet, "/auth/session", host, http.Header{"Cookie": {cookie}})
	if resp.StatusCode != http.StatusOK {
		return ""
	}
	var session struct{ Email string }
	if err := json.NewDecoder(resp.Body).Decode(&session); err != nil {
		t.Fatal(err)
	}
	return session.Email
}

// What the ids of two people differ in may mean nothing in base64, and they are two all
// the same: each is asked about once, and is who the other gateway says.
func TestPeopleWhoseCookiesAreAlikeAreEachThemselves(t *testing.T) {
	const people = 150
	digits := []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
	for name, id := range map[string]func(i int) string{
		"counted":             func(i int) string { return fmt.Sprintf("user-%d", i) },
		"counted, and signed": func(i int) string { return fmt.Sprintf("c2Vzc2lvbg.%d.sig%c", i/64, digits[i%64]) },
		"counted in hex":      func(i int) string { return fmt.Sprintf("a%x", i) },
		"of time and a count": func(i int) string { return fmt.Sprintf("01HZY3W5Q8RM4T2V6X9AKDE%03d", i) },
		"two letters":         func(i int) string { return string([]byte{digits[i/64], digits[i%64]}) },
		"counted in base64":   func(i int) string { return base64.StdEncoding.EncodeToString(fmt.Append(nil, i)) },
		"as a text and as bytes": func(i int) string {
			return []string{"%3D", "=", ""}[i%3] + hex.EncodeToString(fmt.Append(nil, "n", i/3))
		},
		"of other letters": func(i int) string {
			return strings.NewReplacer("0", "+", "1", "-", "2", "/", "3", "_").Replace(fmt.Sprintf("x%04d", i))
		},
		"with and without an end": func(i int) string { return fmt.Sprintf("u%03d", i/3) + strings.Repeat("=", i%3) },
	} {
		t.Run(name, func(t *testing.T) {
			old, _, s, handler := adopting(t, gatewaytest.Site{})
			cookies := make([]string, people)
			for i := range cookies {
				cookies[i] = old.Knows(fmt.Sprintf("person-%d@example.com", i), id(i))
			}
			for range 2 {
				for i, cookie := range cookies {
					if got, want := whoIs(t, handler, s.Address(), cookie), fmt.Sprintf("person-%d@example.com", i); got != want {
						t.Errorf("%s is of %q; want %s", cookie, got, want)
					}
				}
			}
			if n := len(old.Asked()); n != people {
				t.Errorf("the other gateway was asked %d times", n)
			}
		})
	}
}

// What ended one person's session is not the end of another's whose cookie is like theirs,
// whether they come after it or before.
func TestASignOutIsNotThatOfWhoseCookieIsAlike(t *testing.T) {
	old, _, s, handler := adopting(t, gatewaytest.Site{})
	zoe, mia, ada := old.Knows("zoe@example.com", "session-1"), old.Knows("mia@example.com", "session-2"), old.Knows("ada@example.com", "session-3")
	whoIs(t, handler, s.Address(), zoe)
	whoIs(t, handler, s.Address(), mia)
	sent(handler, http.MethodPost, "/auth/logout", s.Address(), http.Header{"Cookie": {zoe}})
	for cookie, want := range map[string]string{zoe: "", mia: "mia@example.com", ada: "ada@example.com"} {
		for range 2 {
			if got := whoIs(t, handler, s.Address(), cookie); got != want {
				t.Errorf("%s is of %q; want %q", cookie, got, want)
			}
		}
	}
}

// respellings are those of a cookie that other gateways take for the same.
func respellings(cookie string) map[string]string {
	name, value, _ := strings.Cut(cookie, "=")
	return map[string]string{
		"other bits at the end":  strings.Replace(cookie, "Q==|", "R==|", 1),
		"without padding":        strings.Replace(cookie, "==|", "|", 1),
		"escaped":                strings.ReplaceAll(cookie, "|", "%7C"),
		"in quotes":              name + `="` + value + `"`,
		"cut":                    name + "_0=" + value[:9] + "; " + name + "_1=" + value[9:],
		"cut elsewhere":          name + "_0=" + value[:4] + "; " + name + "_1=" + value[4:],
		"of another alphabet":    strings.ReplaceAll(cookie, "-", "+"),
		"in quotes, and escaped": name + `="` + strings.ReplaceAll(value, "|", "%7c") + `"`,
	}
}

// overgrown are those of a cookie with parts beside it that other gateways pass over.
func overgrown(cookie string) map[string]string {
	name, value, _ := strings.Cut(cookie, "=")
	cut := name + "_0=" + value[:9] + "; " + name + "_1=" + value[9:]
	return map[string]string{
		"with a part behind a gap":           cut + "; " + name + "_3=junk",
		"with a number spelt otherwise":      cut + "; " + name + "_02=junk",
		"with a part beside the whole":       cookie + "; " + name + "_7=junk",
		"with the whole beside the parts":    cut + "; " + name + "=junk",
		"with parts that begin too far back": name + "_5=" + value[:9] + "; " + name + "_6=" + value[9:],
	}
}

// saysZoe has the gateway take whatever comes for the cookie of one person.
func saysZoe(old *gatewaytest.OldGateway) {
	old.Answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Auth-Request-Email", "zoe@example.com")
		w.WriteHeader(http.StatusAccepted)
	})
}

const spelt = "_oauth2_proxy=c2Vzc2lvbi-vZiB6b2UxQQ==|1700000000|c2lnbmF0dXJl"

func TestACookieThatIsSpentIsNotAdoptedSpeltOtherwise(t *testing.T) {
	ways := respellings(spelt)
	maps.Copy(ways, overgrown(spelt))
	for how, cookie := range ways {
		if cookie == spelt {
			t.Errorf("%s it is the same", how)
		}
		for name, comes := range map[string]func(handler http.Handler, host string){
			"after a sign-out": func(handler http.Handler, host string) {
				whoIs(t, handler, host, spelt)
				sent(handler, http.MethodPost, "/auth/logout", host, http.Header{"Cookie": {spelt}})
			},
			"after it was joined and signed out": func(handler http.Handler, host string) {
				whoIs(t, handler, host, spelt)
				whoIs(t, handler, host, strings.ReplaceAll(spelt, "=", "%3D"))
				sent(handler, http.MethodPost, "/auth/logout", host, http.Header{"Cookie": {spelt}})
			},
		} {
			t.Run(how+", "+name, func(t *testing.T) {
				old, _, s, handler := adopting(t, gatewaytest.Site{})
				saysZoe(old)
				comes(handler, s.Address())
				for range 2 {
					if got := whoIs(t, handler, s.Address(), cookie); got != "" {
						t.Errorf("it is of %s again", got)
					}
				}
			})
		}
	}
}

func TestACookieThatIsSpeltOtherwiseJoinsTheSessionThatLives(t *testing.T) {
	old, _, s, handler := adopting(t, gatewaytest.Site{})
	saysZoe(old)
	whoIs(t, handler, s.Address(), spelt)
	for range 2 {
		for how, cookie := range respellings(spelt) {
			resp := sent(handler, http.MethodGet, "/auth/session", s.Address(), http.Header{"Cookie": {cookie}})
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s: %s, and another session", how, resp.Status)
			}
		}
	}
	if n := len(old.Asked()); n > 1+len(respellings(spelt)) {
		t.Errorf("the other gateway was asked %d times", n)
	}
}

// Who has signed in here by a password, as the same person, has spent the cookie in every
// spelling.
func TestACookieThatCameAlongIsNotAdoptedSpeltOtherwise(t *testing.T) {
	old, _, s, handler := adopting(t, gatewaytest.Site{})
	old.Answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Auth-Request-Email", gatewaytest.Ada)
		w.WriteHeader(http.StatusAccepted)
	})
	c := s.Client(t)
	c.SignIn(gatewaytest.Ada)
	own := c.Cookie
	sent(handler, http.MethodPost, "/auth/logout", s.Address(), http.Header{"Cookie": {own + "; " + spelt}})
	for how, cookie := range respellings(spelt) {
		if got := whoIs(t, handler, s.Address(), cookie); got != "" {
			t.Errorf("%s: it is of %s", how, got)
		}
	}
}

// One cookie can be spelt without end, and does not keep the other gateway busy.
func TestSpellingsOfOneCookieAreCounted(t *testing.T) {
	const limit = 1000
	old, _, s, handler := adopting(t, gatewaytest.Site{})
	saysZoe(old)
	whoIs(t, handler, s.Address(), spelt)
	sent(handler, http.MethodPost, "/auth/logout", s.Address(), http.Header{"Cookie": {spelt}})
	for i := range limit + 5 {
		if got := whoIs(t, handler, s.Address(), spelt+strings.Repeat("=", i+1)); got != "" {
			t.Fatalf("it is of %s again", got)
		}
	}
	if n := len(old.Asked()); n != limit+1 {
		t.Errorf("the other gateway was asked %d times", n)
	}
}
