package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// cookiesEvery is the least time between two writes of one session's cookies.
const cookiesEvery = 2 * time.Second

// sid is what an app says of its cookie sid; an empty value deletes it.
func sid(value string) profile.AppCookie {
	if value == "" {
		return profile.AppCookie{Name: "sid", Place: profile.CookieGone}
	}
	return profile.AppCookie{Name: "sid", Value: value}
}

// served is a session as a request is served by it, and the app's cookies that
// go with that request.
func (g *gateway) served(t testing.TB, key sessionstore.Key) (s *sessionstore.Session, known, now profile.AppCookies) {
	t.Helper()
	s, err := g.near.Get(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := profile.DecodeKept(s.Kept)
	if err != nil {
		t.Fatal(err)
	}
	known = profile.ReadAppCookies(kept.UpstreamCookies)
	now, _ = g.AppCookies.Of(s, known)
	return s, known, now
}

// answers is one request, to which the app answers with that.
func (g *gateway) answers(t testing.TB, key sessionstore.Key, said ...profile.AppCookie) {
	t.Helper()
	s, known, _ := g.served(t, key)
	g.AppCookies.Note(s, known, said...)
}

// writes counts the writes to the store.
func (b *bubble) writes() func() int {
	var mu sync.Mutex
	n := 0
	b.store.before = func(method string) {
		mu.Lock()
		defer mu.Unlock()
		if method == "Update" {
			n++
		}
	}
	return func() int { mu.Lock(); defer mu.Unlock(); return n }
}

// wantCookies demands what goes with the next request, and what is written down.
func (b *bubble) wantCookies(now, written string) {
	b.Helper()
	if _, _, got := b.g.served(b, b.ada.key); got.Line(time.Now()) != now {
		b.Errorf("the app is given %q; want %q", got.Line(time.Now()), now)
	}
	kept, err := profile.DecodeKept(b.ada.now(b.g).Kept)
	if err != nil || profile.ReadAppCookies(kept.UpstreamCookies).Line(time.Now()) != written {
		b.Errorf("written down is %q, %v; want %q", kept.UpstreamCookies, err, written)
	}
}

// withCookies is inBubble for who has cookies kept, which goes on for a while.
func withCookies(t *testing.T, name string, test func(b *bubble)) {
	inBubble(t, name, func(b *bubble) {
		test(b)
		b.g.Finish(b.Context())
	})
}

func TestAnAppsCookiesAreKept(t *testing.T) {
	withCookies(t, "at once here, and then in the store", func(b *bubble) {
		reached, release := b.storeHangs()
		b.g.answers(b, b.ada.key, sid("1"))
		<-reached
		b.wantCookies("sid=1", "")
		release()
		synctest.Wait()
		b.wantCookies("sid=1", "sid=1")
	})
	withCookies(t, "and written when they are new alone", func(b *bubble) {
		writes := b.writes()
		for range 10 {
			b.g.answers(b, b.ada.key, sid("1"))
			pass(cookiesEvery)
		}
		if n := writes(); n != 1 {
			b.Errorf("there were %d writes", n)
		}
	})
	withCookies(t, "and written every two seconds at most, where each answer has another", func(b *bubble) {
		writes := b.writes()
		for i := range 100 {
			b.g.answers(b, b.ada.key, sid(fmt.Sprint(i)))
			pass(100 * time.Millisecond)
			if _, _, now := b.g.served(b, b.ada.key); now.Line(time.Now()) != fmt.Sprintf("sid=%d", i) {
				b.Errorf("after %d the app is given %s", i, now.Line(time.Now()))
			}
		}
		pass(cookiesEvery)
		synctest.Wait()
		b.wantCookies("sid=99", "sid=99")
		if n := writes(); n > 8 {
			b.Errorf("there were %d writes in 12 seconds", n)
		}
	})
	withCookies(t, "and deleted", func(b *bubble) {
		b.g.answers(b, b.ada.key, sid("1"))
		pass(cookiesEvery)
		b.g.answers(b, b.ada.key, sid(""))
		b.wantCookies("", "sid=1")
		pass(cookiesEvery)
		b.wantCookies("", "")
		if _, known, _ := b.g.served(b, b.ada.key); len(known) != 1 {
			b.Errorf("what a browser still has of that name would pass: %v", known)
		}
	})
	withCookies(t, "while the store is away, and written when it is back", func(b *bubble) {
		b.g.served(b, b.ada.key) // which the near cache has from now on
		b.store.away.Store(true)
		for range 3 {
			b.g.answers(b, b.ada.key, sid("1"))
			synctest.Wait()
		}
		if _, _, now := b.g.served(b, b.ada.key); now.Line(time.Now()) != "sid=1" {
			b.Errorf("meanwhile the app is given %s", now.Line(time.Now()))
		}
		b.store.away.Store(false)
		pass(2 * cookiesEvery)
		b.wantCookies("sid=1", "sid=1")
		if n := countOf(b.g.ear.kinds(), lifecycle.CookiesPending); n != 1 {
			b.Errorf("that was told %d times", n)
		}
	})
	withCookies(t, "and tried again at the next change, when the store was away for long", func(b *bubble) {
		b.g.served(b, b.ada.key)
		b.store.away.Store(true)
		b.g.answers(b, b.ada.key, sid("1"))
		pass(time.Minute)
		b.store.away.Store(false)
		b.wantCookies("sid=1", "")
		b.g.answers(b, b.ada.key, profile.AppCookie{Name: "other", Value: "2"})
		pass(cookiesEvery)
		b.wantCookies("sid=1; other=2", "sid=1; other=2")
	})
	withCookies(t, "beside what another gateway writes", func(b *bubble) {
		b.writesBetween(func(newer *sessionstore.Session) {
			newer.ChosenAccount, newer.Kept = "globex", `{"refresh_token":"second","upstream_cookies":["other=2"]}`
		})
		b.g.answers(b, b.ada.key, sid("1"))
		pass(cookiesEvery)
		b.wantCookies("other=2; sid=1", "other=2; sid=1")
		if s := b.ada.now(b.g); s.ChosenAccount != "globex" || !strings.Contains(s.Kept, "second") {
			b.Errorf("the session is %+v", s)
		}
	})
	withCookies(t, "while the session is built anew", func(b *bubble) {
		b.login.rotates(nil)
		reached, release := b.login.blocked()
		b.g.answers(b, b.ada.key, sid("1"))
		pass(cookiesEvery)
		b.visit()
		<-reached
		b.g.answers(b, b.ada.key, sid("2"))
		pass(cookiesEvery)
		release()
		synctest.Wait()
		b.wantCookies("sid=2", "sid=2")
		if s := b.ada.now(b.g); !strings.Contains(s.Kept, "second") {
			b.Errorf("it keeps %s", s.Kept)
		}
	})
	withCookies(t, "as far as a session has room, which is told once", func(b *bubble) {
		for i := range profile.MaxAppCookies + 2 {
			b.g.answers(b, b.ada.key, profile.AppCookie{Name: fmt.Sprint("c", i), Value: "1"})
		}
		pass(2 * cookiesEvery)
		if _, _, now := b.g.served(b, b.ada.key); strings.Count(now.Line(time.Now()), "=") != profile.MaxAppCookies {
			b.Errorf("the app is given %s", now.Line(time.Now()))
		}
		writes := b.writes()
		for range 3 {
			b.g.answers(b, b.ada.key, profile.AppCookie{Name: fmt.Sprint("c", profile.MaxAppCookies), Value: "1"})
			pass(cookiesEvery)
		}
		if n := countOf(b.g.ear.kinds(), lifecycle.CookiesLeftOut); n != 1 || writes() != 0 {
			b.Errorf("that was told %d times, and written %d times more", n, writes())
		}
	})
	withCookies(t, "and written before the configuration ends", func(b *bubble) {
		b.g.answers(b, b.ada.key, sid("1"))
		synctest.Wait()
		b.g.answers(b, b.ada.key, sid("2"))
		b.wantCookies("sid=2", "sid=1")
		b.g.Finish(b.Context())
		b.wantCookies("sid=2", "sid=2")
	})
}

func TestCookiesThatASignInBringsBeyondMeasureAreTold(t *testing.T) {
	inBubble(t, "once of a login", func(b *bubble) {
		for range 2 {
			person := &profile.Person{ID: 9, Email: "grace@example.com", CookiesLeftOut: 3}
			if _, _, err := b.g.Begin(b.Context(), b.login, person, lifecycle.Arrival{}); err != nil {
				b.Fatal(err)
			}
		}
		if n := countOf(b.g.ear.kinds(), lifecycle.CookiesLeftOut); n != 1 {
			b.Errorf("that was told %d times", n)
		}
	})
}

func countOf(kinds []lifecycle.Kind, of lifecycle.Kind) (n int) {
	for _, kind := range kinds {
		if kind == of {
			n++
		}
	}
	return n
}

// storeHangs has the next write wait. reached is closed when it was begun.
func (b *bubble) storeHangs() (reached <-chan struct{}, release func()) {
	arrived, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.store.before = func(method string) {
		if method == "Update" {
			once.Do(func() { close(arrived); <-goOn })
		}
	}
	return arrived, sync.OnceFunc(func() { close(goOn) })
}

// A write never brings a session back, however late it comes.
func TestCookiesOfASessionThatWasSignedOutAreNotKept(t *testing.T) {
	withCookies(t, "while they are written", func(b *bubble) {
		reached, release := b.storeHangs()
		b.g.answers(b, b.ada.key, sid("1"))
		<-reached
		if err := b.g.End(b.Context(), b.ada.key); err != nil {
			b.Error(err)
		}
		release()
		synctest.Wait()
		b.ada.wantGone(b.g)
		if kinds := b.g.ear.kinds(); slices.Contains(kinds, lifecycle.CookiesPending) {
			b.Errorf("it is told as trouble: %v", kinds)
		}
	})
	withCookies(t, "when the app answers after it", func(b *bubble) {
		s, known, _ := b.g.served(b, b.ada.key)
		if err := b.g.End(b.Context(), b.ada.key); err != nil {
			b.Error(err)
		}
		b.g.AppCookies.Note(s, known, sid("1"))
		pass(cookiesEvery)
		b.ada.wantGone(b.g)
	})
}

func TestCookiesThatOneGatewayKeepsAreThoseOfTheOther(t *testing.T) {
	p := newPair(t)
	who := p.settled()
	for i := range 3 {
		value := fmt.Sprint(i)
		p.g[i%2].answers(t, who.key, sid(value))
		for _, g := range p.g {
			until(t, "the new cookie shows at both", func() bool {
				_, _, now := g.served(t, who.key)
				return now.Line(time.Now()) == "sid="+value
			})
		}
	}
	for _, g := range p.g {
		g.Finish(t.Context())
	}
}

func TestManyAnswersAtOnce(t *testing.T) {
	p := newPair(t)
	who := p.settled()
	p.inParallel(who, func(g *gateway, s *sessionstore.Session) {
		for i := range 10 {
			g.AppCookies.Note(s, nil, sid(fmt.Sprint(i)), profile.AppCookie{Name: fmt.Sprint("c", i), Value: "1"})
			g.AppCookies.Of(s, nil)
		}
	})
	for _, g := range p.g {
		g.Finish(t.Context())
	}
	_, _, now := p.g[0].served(t, who.key)
	if len(now) != 11 || strings.Count(now.Line(time.Now()), "=") != 11 {
		t.Errorf("the app is given %s", now.Line(time.Now()))
	}
}

// An answer may come by a newer record while it is found out that the session has
// ended: the race detector holds it.
func TestAnAnswerByANewerRecordWhileASessionEnds(t *testing.T) {
	p := newPair(t)
	who := p.settled()
	g := p.g[0]
	s, known, _ := g.served(t, who.key)
	if err := g.End(t.Context(), who.key); err != nil {
		t.Fatal(err)
	}
	g.AppCookies.Note(s, known, sid("0"))
	version := s.Version
	until(t, "what is known of the session that has ended is forgotten", func() bool {
		version++
		newer := *s
		newer.Version = version
		_, changed := g.AppCookies.Of(&newer, known)
		if changed { // a request that was served before it ended
			g.AppCookies.Note(&newer, known, sid(fmt.Sprint(version)))
		}
		return !changed
	})
	g.Finish(t.Context())
}
