package lifecycle_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

// beginning is a gateway on a store that can be away.
func beginning(t testing.TB) (*gateway, *faulty) {
	t.Helper()
	store := &faulty{Store: memory.New(nil)}
	return newGateway(t, store, new(teller), time.Now), store
}

func TestBegin(t *testing.T) {
	g, _ := beginning(t)
	from := lifecycle.Arrival{Address: netip.MustParseAddr("192.0.2.1"), UserAgent: "Firefox"}
	s, secret, err := g.Begin(t.Context(), new(teller), entryOf("editor"), from)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := g.store.Get(t.Context(), secret.Key())
	if err != nil {
		t.Fatal("the secret names no session:", err)
	}
	if kept.Method != "teller" || kept.Subject != "ada@example.com" || kept.Address != "192.0.2.1" || kept.UserAgent != "Firefox" {
		t.Errorf("kept is %+v", kept)
	}
	if got := kept.ExpiresAt.Sub(kept.CreatedAt); got != 12*time.Hour || kept.IdleTimeout != time.Hour {
		t.Errorf("it lives for %v, and %v idle", got, kept.IdleTimeout)
	}
	want := lifecycle.Event{Kind: lifecycle.Began, Login: "teller", UserID: 1, Session: s.Key, Client: netip.MustParseAddr("192.0.2.1")}
	if len(g.ear.heard) != 1 || g.ear.heard[0] != want {
		t.Errorf("told of %+v", g.ear.heard)
	}
}

func TestASignInEndsTheSessionsThatCameWithIt(t *testing.T) {
	g, store := beginning(t)
	planted, _, err := g.Begin(t.Context(), new(teller), entryOf(), lifecycle.Arrival{})
	if err != nil {
		t.Fatal(err)
	}
	presenting := lifecycle.Arrival{Presented: []sessionstore.Key{planted.Key}}
	t.Run("and comes to nothing when they cannot be ended", func(t *testing.T) {
		revoked := 0
		store.before = func(method string) {
			if method == "Revoke" {
				revoked++
			}
			store.away.Store(method == "Revoke" && revoked == 1)
		}
		defer func() { store.before = nil; store.away.Store(false) }()
		if _, _, err := g.Begin(t.Context(), new(teller), entryOf(), presenting); !errors.Is(err, errAway) {
			t.Errorf("answered with %v", err)
		}
		if own, err := g.store.List(t.Context(), 1); err != nil || len(own) != 1 {
			t.Errorf("there are %d sessions, %v: the new one was left behind", len(own), err)
		}
	})
	t.Run("and has another id", func(t *testing.T) {
		s, _, err := g.Begin(t.Context(), new(teller), entryOf(), presenting)
		if err != nil || s.Key == planted.Key {
			t.Errorf("%v, %v", s, err)
		}
		if _, err := g.store.Get(t.Context(), planted.Key); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("the session that was planted: %v", err)
		}
	})
}

func TestWhereASessionOfAnotherTabGoesOnAllOthersThatCameEnd(t *testing.T) {
	g, store := beginning(t)
	begin := func(from lifecycle.Arrival) (*sessionstore.Session, sessionstore.Secret, error) {
		return g.Begin(t.Context(), new(teller), entryOf(), from)
	}
	planted, _, err := begin(lifecycle.Arrival{})
	beside, _, err2 := begin(lifecycle.Arrival{})
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	from := lifecycle.Arrival{Presented: []sessionstore.Key{beside.Key, planted.Key}, Beside: []*sessionstore.Session{beside}}
	store.away.Store(true)
	if _, _, err := begin(from); !errors.Is(err, errAway) {
		t.Errorf("what came could not be ended: %v", err)
	}
	store.away.Store(false)
	s, secret, err := begin(from)
	if err != nil || s.Key != beside.Key || secret != (sessionstore.Secret{}) {
		t.Errorf("%v, %v", s, err)
	}
	if own, err := g.store.List(t.Context(), 1); err != nil || len(own) != 1 || own[0].Key != beside.Key {
		t.Errorf("left are %v, %v", own, err)
	}
}

func TestWhoMakesNoSession(t *testing.T) {
	refused := &profile.Refused{Why: "require 1"}
	for _, c := range []struct {
		name    string
		err     error // of the login; nil: what comes of the entry
		entry   profile.Person
		away    bool
		kinds   []lifecycle.Kind
		trouble string
	}{
		{"is told of as not admitted, whom the configuration refuses", refused, profile.Person{}, false, []lifecycle.Kind{lifecycle.NotAdmitted}, ""},
		{"is told of as not sound, whose address is none", nil, profile.Person{ID: 1, Email: "none"}, false, []lifecycle.Kind{lifecycle.NotSound}, ""},
		{"is told of as not sound, of whom nothing is known", nil, profile.Person{}, false, []lifecycle.Kind{lifecycle.NotSound}, ""},
		{"is the store's trouble, when it has no number for them", nil, profile.Person{Email: "new@example.com"}, true, nil, "a sign-in could not be finished"},
		{"is the store's trouble, when it does not keep them", nil, *entryOf(), true, nil, "a new session could not be kept"},
		{"is a source's trouble, whatever else it says", errTrouble, profile.Person{}, false, nil, "somebody signs in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, store := beginning(t)
			store.away.Store(c.away)
			if c.err != nil {
				g.NotBegun(t.Context(), "teller", 0, c.err)
			} else if _, _, err := g.Begin(t.Context(), new(teller), &c.entry, lifecycle.Arrival{}); err == nil {
				t.Error("there is a session")
			}
			if !slices.Equal(g.ear.kinds(), c.kinds) {
				t.Errorf("told of %v", g.ear.kinds())
			}
			if got := strings.Join(g.ear.troubles, "; "); got != c.trouble {
				t.Errorf("trouble: %q", got)
			}
		})
	}
}

// userAgentOf is what is kept of a User-Agent.
func userAgentOf(t testing.TB, g *gateway, text string) string {
	t.Helper()
	s, _, err := g.Begin(context.Background(), new(teller), entryOf(), lifecycle.Arrival{UserAgent: text})
	if err != nil {
		t.Fatal(err)
	}
	return s.UserAgent
}

func TestUserAgentsAreKeptShortAndPlain(t *testing.T) {
	g, _ := beginning(t)
	long := strings.Repeat("a", 255)
	for _, c := range []struct{ name, text, want string }{
		{"a short text stays", "Firefox", "Firefox"},
		{"a text of just the length stays", long + "b", long + "b"},
		{"a long text is cut", long + "bc", long + "b"},
		{"a text is cut at a character's edge", long + "é", long},
		{"line breaks go, which could forge a line of a log", "a\r\nb", "ab"},
		{"NUL and escapes go", "a\x00\x1b[2Jb\x7f", "a[2Jb"},
		{"what is not UTF-8 goes", "a\xff\xc0b", "ab"},
		{"the cut comes after that", "\x00\x00" + long + "bc", long + "b"},
		{"nothing is nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := userAgentOf(t, g, c.text); got != c.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func FuzzUserAgentsAreKeptShortAndPlain(f *testing.F) {
	f.Add("Mozilla/5.0")
	f.Add("é\x00\xff")
	f.Add(strings.Repeat("漢", 100))
	g, _ := beginning(f)
	f.Fuzz(func(t *testing.T, text string) {
		got := userAgentOf(t, g, text)
		if len(got) > 256 || !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x00") {
			t.Errorf("%q is kept as %q", text, got)
		}
	})
}
