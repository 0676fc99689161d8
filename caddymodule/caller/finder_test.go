package caller_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/nearcache"
	"example.com/sidegate/sessionstore/storetest"
)

var errAway = errors.New("the store is away")

// away is a store that can be.
type away struct {
	sessionstore.Store
	is      bool
	why     error  // it says instead of errAway
	guesses []bool // of each question
	left    int    // how many questions until it goes away, from one on
}

func (a *away) Get(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	a.guesses = append(a.guesses, sessionstore.IsGuess(ctx))
	if a.left--; a.left == 0 {
		a.is = true
	}
	if a.is {
		return nil, cmp.Or(a.why, errAway)
	}
	return a.Store.Get(ctx, key)
}

// desk is a finder with ada signed in.
type desk struct {
	*testing.T
	*caller.Finder
	given    caller.Config
	store    *away
	marker   *sessionstore.Marker
	troubles int
	cookie   string
	token    string
	session  *sessionstore.Session
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{T: t, store: &away{Store: memory.New(nil)}}
	ring, err := token.NewRing(token.Config{Secrets: []string{strings.Repeat("s", token.MinSecret)}, Issuer: "sidegate", Now: time.Now})
	d.must(err)
	verified, err := token.NewVerified(ring, 0)
	d.must(err)
	d.marker, err = sessionstore.NewMarker(ring.MarkKeys()...)
	d.must(err)
	d.given = caller.Config{
		Store: d.store, Ring: ring, Verified: verified, Marker: d.marker, Cookie: "sidegate",
		Trouble: func(context.Context, string, error) { d.troubles++ },
	}
	d.Finder = caller.NewFinder(d.given)
	secret, now := sessionstore.NewSecret(1), time.Now()
	d.session = &sessionstore.Session{
		Key: secret.Key(), User: sessionstore.UserSession{ID: 1, Email: "ada@example.com", Accounts: []sessionstore.Account{
			{AccountID: "acme", UsersPrimaryAccount: true}, {AccountID: "globex"},
		}},
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour), Version: 1,
	}
	d.session.User.PrimaryAccount = &d.session.User.Accounts[0]
	d.must(storetest.Keep(t.Context(), d.store, d.session))
	d.cookie = "sidegate=" + secret.Encode()
	d.token, err = ring.MintSession(secret.Key(), 1, d.session.ExpiresAt)
	d.must(err)
	return d
}

// another is the cookie of somebody else who is signed in.
func (d *desk) another(id int64) (cookie string) {
	secret, s := sessionstore.NewSecret(id), *d.session
	s.Key, s.User = secret.Key(), sessionstore.UserSession{ID: id, Email: "grace@example.com"}
	d.must(storetest.Keep(d.Context(), d.store, &s))
	return "sidegate=" + secret.Encode()
}

// cached is a finder with a near cache that is empty.
func (d *desk) cached() *caller.Finder {
	given := d.given
	given.Near = nearcache.New(d.store, nearcache.Options{})
	return caller.NewFinder(given)
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// request is one with those headers, pairs of names and values.
func request(header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/app", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil)
}

func TestWhoCalls(t *testing.T) {
	d := newDesk(t)
	ended, other := "sidegate="+d.marker.NewSecret(1).Encode(), "sidegate="+sessionstore.NewSecret(1).Encode()
	grace, many := d.another(2), []string{d.cookie}
	for range 4 {
		many = append(many, "sidegate="+sessionstore.NewSecret(1).Encode())
	}
	for _, c := range []struct {
		name     string
		header   []string
		standing caller.Standing
		refusal  *refusal.Refusal
		stale    bool
	}{
		{"nobody, with nothing", nil, caller.Anonymous, refusal.Anonymous, false},
		{"nobody, with credentials for the app", []string{"Authorization", "Basic YTpi"}, caller.Anonymous, refusal.Anonymous, false},
		{"ada, by her cookie", []string{"Cookie", d.cookie}, caller.SignedIn, nil, false},
		{"ada, by her token", []string{"Authorization", "Bearer " + d.token}, caller.SignedIn, nil, false},
		{"nobody any more, with a cookie of ours that is of no session", []string{"Cookie", ended}, caller.Rejected, refusal.Gone, true},
		{"nobody, with one that another gateway may know, which is not cleared", []string{"Cookie", other}, caller.Rejected, refusal.Gone, false},
		{"nobody, with a cookie that is none", []string{"Cookie", "sidegate=x"}, caller.Rejected, refusal.Gone, true},
		{"ada, with another gateway's cookie behind hers", []string{"Cookie", d.cookie + "; " + other}, caller.SignedIn, nil, false},
		{"ada, with another gateway's cookie before hers", []string{"Cookie", other + "; " + d.cookie}, caller.SignedIn, nil, false},
		{"ada, with one of ours that is of no session", []string{"Cookie", ended + "; " + d.cookie}, caller.SignedIn, nil, false},
		{"ada, with one that is none, in a line of its own", []string{"Cookie", "sidegate=x", "Cookie", d.cookie}, caller.SignedIn, nil, false},
		{"ada, with hers twice", []string{"Cookie", d.cookie + "; " + d.cookie}, caller.SignedIn, nil, false},
		{"nobody, with two that are of no session, of which one may be another gateway's", []string{"Cookie", ended + "; " + other}, caller.Rejected, refusal.Gone, false},
		{"nobody, with two of ours that are of no session", []string{"Cookie", ended + "; sidegate=x"}, caller.Rejected, refusal.Gone, true},
		{"nobody, with two sessions, of which neither is cleared", []string{"Cookie", d.cookie + "; " + grace}, caller.Rejected, refusal.Gone, false},
		{"nobody, with more cookies than are tried", []string{"Cookie", strings.Join(many, "; ")}, caller.Rejected, refusal.Gone, false},
		{"nobody, with a bad token beside a good cookie", []string{"Cookie", d.cookie, "Authorization", "Bearer x"}, caller.Rejected, refusal.Token, false},
		{"nobody, with two tokens", []string{"Authorization", "Bearer " + d.token, "Authorization", "Bearer " + d.token}, caller.Rejected, refusal.Token, false},
		{"ada, for another account of hers", []string{"Cookie", d.cookie, "X-Account-Id", "globex"}, caller.SignedIn, nil, false},
		{"ada, for an account that is not hers", []string{"Cookie", d.cookie, "X-Account-Id", "initech"}, caller.SignedIn, refusal.Account, false},
		{"ada, for two accounts at once", []string{"Cookie", d.cookie, "X-Account-Id", "acme", "X-Account-Id", "globex"}, caller.SignedIn, refusal.TwoAccounts, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := d.Caller(request(c.header...))
			if got.Standing != c.standing || got.Refusal != c.refusal || got.StaleCookie != c.stale {
				t.Errorf("standing %d, refusal %v, stale %v", got.Standing, got.Refusal, got.StaleCookie)
			}
			if got.MayPass() != (c.standing == caller.SignedIn && c.refusal == nil) {
				t.Errorf("may pass: %v", got.MayPass())
			}
		})
	}
}

func TestManyCookiesOfOurNameAreFewQuestions(t *testing.T) {
	d := newDesk(t)
	var many []string
	for range 300 {
		many = append(many, "sidegate="+sessionstore.NewSecret(1).Encode())
	}
	got := d.Caller(request("Cookie", strings.Join(many, "; ")))
	if got.Cookies != caller.TooMany || len(d.store.guesses) != 4 || slices.Contains(d.store.guesses, false) {
		t.Errorf("%d questions %v, and %d is said of them", len(d.store.guesses), d.store.guesses, got.Cookies)
	}
}

// Whoever could be taken for one of two people, while the store is away, is
// taken for neither.
func TestOfTwoCookiesTheStoreHasToKnowBoth(t *testing.T) {
	d := newDesk(t)
	two := request("Cookie", d.cookie+"; "+d.another(2))
	if got := d.Caller(two); got.Standing != caller.Rejected || got.Cookies != caller.TwoSessions {
		t.Errorf("with both sessions: %+v", got)
	}
	d.store.left = 2
	if got := d.Caller(request("Cookie", two.Header.Get("Cookie"))); got.Standing != caller.CannotTell || got.StaleCookie {
		t.Errorf("with the store away for the second: %+v", got)
	}
}

// A made-up cookie must not cost the store what makes sure of an answer. Of our
// own it has to be sure, for they are cleared.
func TestOnlyASecretWithoutOurMarkIsAGuess(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct {
		name   string
		header []string
		want   bool
	}{
		{"a cookie that anybody may have made up", []string{"Cookie", "sidegate=" + sessionstore.NewSecret(1).Encode()}, true},
		{"a cookie of ours", []string{"Cookie", "sidegate=" + d.marker.NewSecret(1).Encode()}, false},
		{"a token of ours", []string{"Authorization", "Bearer " + d.token}, false},
	} {
		for _, cached := range []bool{false, true} {
			t.Run(c.name+", near cache "+strconv.FormatBool(cached), func(t *testing.T) {
				f := d.Finder
				if cached {
					f = d.cached()
				}
				d.store.guesses = nil
				f.Caller(request(c.header...))
				if !slices.Equal(d.store.guesses, []bool{c.want}) {
					t.Errorf("the store was asked with guess %v; want %v once", d.store.guesses, c.want)
				}
			})
		}
	}
}

func TestAStoreThatCannotTellIsNeverTakenForNobody(t *testing.T) {
	d := newDesk(t)
	d.store.is = true
	for name, header := range map[string][]string{
		"by cookie": {"Cookie", d.cookie}, "by token": {"Authorization", "Bearer " + d.token},
	} {
		got := d.Caller(request(header...))
		if got.Standing != caller.CannotTell || got.Refusal != refusal.Unavailable || got.StaleCookie {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if d.troubles != 2 {
		t.Errorf("trouble was told %d times", d.troubles)
	}
}

// Whoever is told so may end their session: it must not be said of a store that
// is away.
func TestASessionThatCannotBeReadIsToldFromAStoreThatIsAway(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want *refusal.Refusal
	}{
		{"no key opens it", fmt.Errorf("asking for a session: %w", sessionstore.ErrUnknownKey), refusal.Unreadable},
		{"it is damaged", sessionstore.ErrCorrupt, refusal.Unreadable},
		{"a newer version wrote it", sessionstore.ErrFormat, refusal.Unreadable},
		{"the store is away", errAway, refusal.Unavailable},
		{"the store takes too long", context.DeadlineExceeded, refusal.Unavailable},
		{"too much is asked at once", nearcache.ErrBusy, refusal.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			d.store.is, d.store.why = true, c.err
			for _, header := range [][]string{{"Cookie", d.cookie}, {"Authorization", "Bearer " + d.token}} {
				got := d.Caller(request(header...))
				if got.Standing != caller.CannotTell || got.Refusal != c.want || got.StaleCookie {
					t.Errorf("by %s: %+v", header[0], got)
				}
			}
		})
	}
}

func TestForeignBearer(t *testing.T) {
	d := newDesk(t)
	foreign := request("Cookie", d.cookie, "Authorization", "Bearer of-somebody-else")
	v := caller.Remember(foreign)
	if got := d.ByCookie(foreign, v); !got.MayPass() {
		t.Errorf("a token that was not issued here hides the cookie: %+v", got)
	}
	if d.IssuedHere(v) {
		t.Error("a token that was not issued here is taken for ours")
	}
	own := request("Cookie", d.cookie, "Authorization", "Bearer "+d.token+"x")
	if got := d.ByCookie(own, caller.Remember(own)); got.Standing != caller.Rejected {
		t.Errorf("a bad token of ours is passed over: %+v", got)
	}
	if !d.IssuedHere(caller.Remember(own)) {
		t.Error("a bad token of ours would go to the app")
	}
}
