package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore"
)

// largestPage is how many sessions a Browser may hand out at once.
const largestPage = 1000

// browser is the bench's store for those who look through it.
func (b *bench) browser() sessionstore.Browser { return b.store.(sessionstore.Browser) }

// browsing is each for stores that can be looked through.
func browsing(t *testing.T, h Harness, name string, test func(b *bench)) {
	each(t, h, name, func(b *bench) {
		if _, can := b.store.(sessionstore.Browser); can {
			test(b)
		}
	})
}

// walked is what was handed out: every session, and in how many pages.
type walked struct {
	found map[sessionstore.Key]sessionstore.Found
	pages int
}

// walks has all handed out, whole: nothing of it in pages that are too large.
func (b *bench) walks(walk func(page func([]sessionstore.Found) error) error) walked {
	b.Helper()
	w := walked{found: make(map[sessionstore.Key]sessionstore.Found)}
	b.must(walk(func(page []sessionstore.Found) error {
		w.pages++
		if len(page) > largestPage {
			b.Errorf("a page has %d sessions; want %d at most", len(page), largestPage)
		}
		for _, f := range page {
			w.found[f.Key] = f
		}
		return nil
	}))
	return w
}

func (b *bench) walksUser(userID int64) walked {
	b.Helper()
	return b.walks(func(page func([]sessionstore.Found) error) error {
		return b.browser().WalkUser(b.Context(), userID, page)
	})
}

func (b *bench) walksAll() walked {
	b.Helper()
	return b.walks(func(page func([]sessionstore.Found) error) error {
		return b.browser().WalkAll(b.Context(), page)
	})
}

// just requires that these sessions were handed out, whole and live, and no others.
func (w walked) just(b *bench, want ...*sessionstore.Session) {
	b.Helper()
	if len(w.found) != len(want) {
		b.Fatalf("%d sessions are handed out; want %d", len(w.found), len(want))
	}
	for _, s := range want {
		found := w.found[s.Key]
		b.must(found.Err)
		b.same(found.Session, s)
		if found.Ended {
			b.Fatalf("%v is handed out as ended", s.Key)
		}
	}
}

// counts requires that so many sessions are live.
func (b *bench) counts(want int) {
	b.Helper()
	n, err := b.browser().Count(b.Context())
	b.must(err)
	if n != want {
		b.Fatalf("%d sessions are live; want %d", n, want)
	}
}

// find looks for a public name, and says whether there is such a session.
func (b *bench) find(id string) (sessionstore.Found, bool) {
	b.Helper()
	found, ok, err := b.browser().FindID(b.Context(), id)
	b.must(err)
	return found, ok
}

func (b *bench) findsNone(id string) {
	b.Helper()
	if found, ok := b.find(id); ok || found != (sessionstore.Found{}) {
		b.Fatalf("%q finds %v", id, found)
	}
}

// Found is what somebody found of whom nothing but the key is known.
func Found(keys ...sessionstore.Key) []sessionstore.Found {
	found := make([]sessionstore.Found, len(keys))
	for i, key := range keys {
		found[i].Key = key
	}
	return found
}

func (b *bench) revokesKeys(want int, keys ...sessionstore.Key) {
	b.Helper()
	n, err := b.browser().RevokeFound(b.Context(), Found(keys...)...)
	b.must(err)
	if n != want {
		b.Fatalf("RevokeFound ended %d sessions; want %d", n, want)
	}
}

func testBrowsing(t *testing.T, h Harness) {
	browsing(t, h, "an empty store has nothing to hand out, to count or to find, which is no error", func(b *bench) {
		b.walksUser(ada).just(b)
		b.walksAll().just(b)
		b.counts(0)
		b.findsNone(sessionstore.NewSecret(ada).Key().ID())
		b.revokesKeys(0)
	})
	browsing(t, h, "sessions of a person, and of everybody, are handed out whole", func(b *bench) {
		one, two := b.create(ada, nil), b.create(ada, nil)
		other, twins := b.create(grace, nil), b.create(shardTwin(ada), nil)
		b.walksUser(ada).just(b, one, two)
		b.walksUser(grace).just(b, other)
		b.walksAll().just(b, one, two, other, twins)
		b.counts(4)
	})
	browsing(t, h, "a session is found by its public name, and by nothing else", func(b *bench) {
		s := b.create(ada, nil)
		b.create(ada, nil)
		found, ok := b.find(s.Key.ID())
		if !ok || found.Key != s.Key || found.Err != nil {
			b.Fatalf("it finds %v, %v", found, ok)
		}
		b.same(found.Session, s)
		id := s.Key.ID()
		for _, other := range []string{
			"", "*", id[:15], id[:15] + "*", id[:15] + "?", id + "*", id + id, s.Key.Encode(), s.Key.Encode()[:16], strings.Repeat("?", 16), strings.Repeat("*", 16),
			"[a-z]" + id[5:], strings.ToLower(id) + "\n", sessionstore.NewSecret(ada).Key().ID(),
		} {
			b.findsNone(other)
		}
	})
	browsing(t, h, "what has ended is not handed out, not found and not counted", func(b *bench) {
		rest, gone := b.create(ada, nil), b.create(ada, nil)
		b.must(End(b.Context(), b.store, gone.Key))
		short, idle := b.create(ada, b.lives(3, 0)), b.create(grace, b.lives(3, 2))
		b.counts(3)
		b.pass(3)
		b.goes(short.Key)
		b.goes(idle.Key)
		b.walksUser(ada).just(b, rest)
		b.walksAll().just(b, rest)
		b.counts(1)
		for _, s := range []*sessionstore.Session{gone, short, idle} {
			b.findsNone(s.Key.ID())
		}
		b.revokesKeys(0, gone.Key, short.Key, idle.Key)
	})
	browsing(t, h, "the first error of a page ends the walk, and comes back", func(b *bench) {
		b.createMany(ada, 1200)
		enough, pages := errors.New("enough"), 0
		stop := func([]sessionstore.Found) error { pages++; return enough }
		b.wants(b.browser().WalkUser(b.Context(), ada, stop), enough)
		b.wants(b.browser().WalkAll(b.Context(), stop), enough)
		if pages != 2 {
			b.Fatalf("%d pages were handed out; want the first of each", pages)
		}
	})
	testBrowsedUnreadable(t, h)
	testBrowsedLast(t, h)
	testBrowsedEnded(t, h)
	testRevokingKeys(t, h)
}

// testBrowsedUnreadable: what cannot be read is there all the same.
func testBrowsedUnreadable(t *testing.T, h Harness) {
	if h.Rewrite == nil {
		return // this store keeps sessions as they are: there is nothing to open
	}
	for _, c := range spoilings {
		browsing(t, h, "a record "+c.name+" is handed out as one that cannot be read, found, counted and ended", func(b *bench) {
			good, bad := b.create(ada, nil), b.create(ada, nil)
			b.rewrite(bad.Key, c.spoil)
			for _, w := range []walked{b.walksUser(ada), b.walksAll()} {
				b.same(w.found[good.Key].Session, good)
				b.isUnreadable(w.found[bad.Key], bad.Key, c.cause)
			}
			found, ok := b.find(bad.Key.ID())
			if !ok {
				b.Fatal("it is not found")
			}
			b.isUnreadable(found, bad.Key, c.cause)
			b.counts(2)
			b.revokesKeys(1, bad.Key)
			b.gone(bad.Key)
			b.walksAll().just(b, good)
			b.findsNone(bad.Key.ID())
		})
	}
}

func (b *bench) isUnreadable(found sessionstore.Found, key sessionstore.Key, cause error) {
	b.Helper()
	if found.Key != key || found.Session != nil {
		b.Fatalf("%v is handed out; want one that cannot be read", found)
	}
	b.wants(found.Err, cause)
}

func testRevokingKeys(t *testing.T, h Harness) {
	browsing(t, h, "sessions of many people end by their keys, and no others", func(b *bench) {
		var keys []sessionstore.Key
		for id := range int64(20) {
			keys = append(keys, b.create(id+1, nil).Key, b.create(id+1, nil).Key)
		}
		rest := b.create(ada, nil)
		unknown := sessionstore.NewSecret(ada).Key()
		b.revokesKeys(len(keys), append(keys, unknown, keys[0])...)
		for _, key := range keys {
			b.gone(key)
		}
		b.walksAll().just(b, rest)
		b.counts(1)
		b.revokesKeys(0, keys...)
		b.create(ada, nil)
		if n := len(b.list(ada)); n != 2 {
			b.Fatalf("the list has %d sessions; want 2", n)
		}
	})
	browsing(t, h, "everybody's sessions end while they are handed out", func(b *bench) {
		b.createMany(ada, 1200)
		b.createMany(grace, 100)
		ended := 0
		b.must(b.browser().WalkAll(b.Context(), func(page []sessionstore.Found) error {
			n, err := b.browser().RevokeFound(b.Context(), page...)
			ended += n
			return err
		}))
		if ended != 1300 {
			b.Fatalf("%d sessions ended; want 1300", ended)
		}
		b.counts(0)
	})
	browsing(t, h, "what ends by its key is told to all who listen", func(b *bench) {
		if _, tells := b.store.(sessionstore.Notifier); !tells {
			return
		}
		one, two := b.create(ada, nil), b.create(grace, nil)
		b.create(ada, nil)
		gone := b.create(grace, nil)
		b.must(End(b.Context(), b.store, gone.Key))
		all := []*ear{b.listens(nil), b.listens(nil)}
		// Of what has gone before, too: somebody may keep it.
		b.revokesKeys(2, one.Key, two.Key, gone.Key)
		for _, e := range all {
			e.awaits("all messages have come", func() bool { return e.heard[one.Key] && e.heard[two.Key] && e.heard[gone.Key] })
			e.heardJust([]*sessionstore.Session{one, two, gone})
		}
	})
	for _, m := range browserCalls {
		browsing(t, h, m.name+" for a caller who has gone cannot tell and does nothing", func(b *bench) {
			s := b.create(ada, nil)
			ctx, cancel := context.WithCancel(b.Context())
			cancel()
			b.wants(m.call(ctx, b, s.Key), context.Canceled)
			b.holds(s)
		})
	}
}

// browserCalls are what is asked of a Browser.
var browserCalls = []struct {
	name string
	call func(ctx context.Context, b *bench, keys ...sessionstore.Key) error
}{
	{"WalkUser", func(ctx context.Context, b *bench, _ ...sessionstore.Key) error {
		return b.browser().WalkUser(ctx, ada, func([]sessionstore.Found) error { return nil })
	}},
	{"WalkAll", func(ctx context.Context, b *bench, _ ...sessionstore.Key) error {
		return b.browser().WalkAll(ctx, func([]sessionstore.Found) error { return nil })
	}},
	{"FindID", func(ctx context.Context, b *bench, keys ...sessionstore.Key) error {
		// One that is not there, which is looked for to the end.
		id := []byte(keys[0].ID())
		slices.Reverse(id)
		_, _, err := b.browser().FindID(ctx, string(id))
		return err
	}},
	{"Count", func(ctx context.Context, b *bench, _ ...sessionstore.Key) error {
		_, err := b.browser().Count(ctx)
		return err
	}},
	{"List", func(ctx context.Context, b *bench, _ ...sessionstore.Key) error {
		_, err := b.store.List(ctx, ada)
		return err
	}},
	{"RevokeFound", func(ctx context.Context, b *bench, keys ...sessionstore.Key) error {
		_, err := b.browser().RevokeFound(ctx, Found(keys...)...)
		return err
	}},
	{"RevokeUser", func(ctx context.Context, b *bench, _ ...sessionstore.Key) error {
		_, err := b.store.RevokeUser(ctx, ada)
		return err
	}},
}
