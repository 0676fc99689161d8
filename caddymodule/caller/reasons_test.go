package caller_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
)

func TestWhySomebodyIsNotSignedIn(t *testing.T) {
	d := newDesk(t)
	ours, others := "sidegate="+d.marker.NewSecret(1).Encode(), "sidegate="+sessionstore.NewSecret(1).Encode()
	grace, many := d.another(2), []string{d.cookie}
	for range 4 {
		many = append(many, "sidegate="+sessionstore.NewSecret(1).Encode())
	}
	mint := func(site token.Site, key sessionstore.Key, id int64, expires time.Time) string {
		raw, err := d.given.Ring.MintSessionAt(site, key, id, expires)
		d.must(err)
		return "Bearer " + raw
	}
	in := time.Now().Add(time.Hour)
	live, dead := d.session.Key, d.marker.NewSecret(1).Key()
	notHere := func(c *caller.Config) {
		c.Vouch = func(*sessionstore.Session) (*sessionstore.Session, error) { return nil, sessionstore.ErrNotHere }
	}
	off := func(c *caller.Config) { c.Bearers.Off = true }
	adopts := func(c *caller.Config) { c.Adopt = new(adopter) }
	seen := make(map[caller.Reason]bool)
	for _, c := range []struct {
		name   string
		header []string
		given  func(*caller.Config)
		want   caller.Reason
	}{
		{"nothing came", nil, nil, caller.NothingSent},
		{"credentials for the app", []string{"Authorization", "Basic YTpi", "Cookie", "theme=dark"}, nil, caller.NothingSent},
		{"the cookie of a gateway before this one", []string{"Cookie", "old=x"}, adopts, caller.OldCookieUnknown},
		{"a cookie that is none", []string{"Cookie", "sidegate=x"}, nil, caller.CookieMalformed},
		{"a cookie of ours that is of no session", []string{"Cookie", ours}, nil, caller.SessionEnded},
		{"a cookie of another secret", []string{"Cookie", others}, nil, caller.CookieForeign},
		{"one of ours beside one of another secret", []string{"Cookie", others + "; " + ours}, nil, caller.SessionEnded},
		{"one of another secret beside one that is none", []string{"Cookie", "sidegate=x; " + others}, nil, caller.CookieForeign},
		{"a session that is not vouched for", []string{"Cookie", d.cookie}, notHere, caller.SessionNotHere},
		{"one that is not vouched for beside one that has ended", []string{"Cookie", ours + "; " + d.cookie}, notHere, caller.SessionNotHere},
		{"two sessions", []string{"Cookie", d.cookie + "; " + grace}, nil, caller.SeveralSessions},
		{"more cookies than are tried", []string{"Cookie", strings.Join(many, "; ")}, nil, caller.TooManyCookies},
		{"two headers with tokens", []string{"Authorization", "Bearer a", "Authorization", "Bearer b"}, nil, caller.SeveralTokens},
		{"a token that is none", []string{"Authorization", "Bearer x", "Cookie", d.cookie}, nil, caller.TokenForeign},
		{"a token that is damaged", []string{"Authorization", mint(token.Site{}, live, 1, in) + "x"}, nil, caller.TokenInvalid},
		{"a token past its time", []string{"Authorization", mint(token.Site{}, live, 1, time.Now().Add(-time.Hour))}, nil, caller.TokenExpired},
		{"a token whose session has ended", []string{"Authorization", mint(token.Site{}, dead, 1, in)}, nil, caller.SessionEnded},
		{"a token of somebody else's session", []string{"Authorization", mint(token.Site{}, live, 2, in)}, nil, caller.TokenInvalid},
		{"a token whose session is not vouched for", []string{"Authorization", mint(token.Site{}, live, 1, in)}, notHere, caller.SessionNotHere},
		{"a token of another site", []string{"Authorization", mint(token.Site{Scheme: "https", Host: "a.example"}, live, 1, in)}, nil, caller.TokenElsewhere},
		{"a token where none is taken", []string{"Authorization", mint(token.Site{}, live, 1, in)}, off, caller.TokensOff},
	} {
		t.Run(c.name, func(t *testing.T) {
			given := d.given
			given.Bearers = caller.Bearers{Sites: new(origin.Sites), Refused: func(error) {}}
			if c.given != nil {
				c.given(&given)
			}
			f, r := caller.NewFinder(given), request(c.header...)
			got := caller.ReasonOf(f, r, f.Caller(r))
			if got != c.want {
				t.Errorf("it is said to be %s, want %s", got.Code, c.want.Code)
			}
			seen[got] = true
		})
	}
	for _, r := range caller.Reasons {
		if !seen[r] && !slices.Contains([]caller.Reason{caller.CookieHeldBack, caller.ChangedSince}, r) {
			t.Errorf("nobody is told %s", r.Code)
		}
	}
}

// What has changed between two looks is not made up.
func TestWhoIsSignedInByTheSecondLookIsToldToAskAgain(t *testing.T) {
	d := newDesk(t)
	gone := true
	given := d.given
	given.Vouch = func(s *sessionstore.Session) (*sessionstore.Session, error) {
		if gone {
			return nil, sessionstore.ErrNotFound
		}
		return s, nil
	}
	f := caller.NewFinder(given)
	for name, r := range map[string]*http.Request{"by cookie": request("Cookie", d.cookie), "by token": request("Authorization", "Bearer "+d.token)} {
		t.Run(name, func(t *testing.T) {
			gone = true
			c := f.Caller(r)
			gone = false
			if got := caller.ReasonOf(f, r, c); c.Standing != caller.Rejected || got != caller.ChangedSince {
				t.Errorf("standing %d, and it is said to be %s", c.Standing, got.Code)
			}
		})
	}
}
