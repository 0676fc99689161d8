package storetest

import (
	"slices"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

// keys are of sessions that do not exist, which a link does not ask for.
func (b *bench) keys(n int) []sessionstore.Key {
	keys := make([]sessionstore.Key, n)
	for i := range keys {
		keys[i] = sessionstore.NewSecret(int64(i % 7)).Key()
	}
	return keys
}

// link links sessions to a name for so long.
func (b *bench) link(name string, life time.Duration, keys ...sessionstore.Key) {
	b.Helper()
	for _, key := range keys {
		b.must(b.store.Link(b.Context(), name, key, life))
	}
}

// linksAre requires that just those sessions are linked to the name, each once.
func (b *bench) linksAre(name string, want ...sessionstore.Key) {
	b.Helper()
	got, err := b.store.Linked(b.Context(), name)
	b.must(err)
	if !slices.Equal(sorted(got), sorted(want)) {
		b.Fatalf("%d sessions are linked: %v; want %d: %v", len(got), got, len(want), want)
	}
}

// isLinked asks for one link by itself.
func (b *bench) isLinked(name string, key sessionstore.Key) bool {
	b.Helper()
	is, err := b.store.IsLinked(b.Context(), name, key)
	b.must(err)
	return is
}

// eachIs requires of each session by itself that it is linked, or is not.
func (b *bench) eachIs(want bool, name string, keys ...sessionstore.Key) {
	b.Helper()
	for i, key := range keys {
		if b.isLinked(name, key) != want {
			b.Fatalf("IsLinked answers %v of session %d of %d", !want, i+1, len(keys))
		}
	}
}

// linksBecome is linksAre with the grace of eventually.
func (b *bench) linksBecome(name string, want ...sessionstore.Key) {
	b.Helper()
	b.eventually("only the links are left that have not ended", func() bool {
		got, err := b.store.Linked(b.Context(), name)
		b.must(err)
		return slices.Equal(sorted(got), sorted(want))
	})
}

func sorted(keys []sessionstore.Key) []string {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = key.Encode()
	}
	slices.Sort(names)
	return names
}

func testLinks(t *testing.T, h Harness) {
	each(t, h, "a name that nothing was linked to has no links, which is no error", func(b *bench) {
		b.linksAre("sub")
	})
	each(t, h, "linked sessions are found by their name alone, each once", func(b *bench) {
		keys := b.keys(5)
		b.link("sub", time.Hour, keys[:3]...)
		b.link("sub", time.Hour, keys[0])
		b.link("sid", time.Hour, keys[2:]...)
		b.linksAre("sub", keys[:3]...)
		b.linksAre("sid", keys[2:]...)
		b.linksAre("su")
	})
	each(t, h, "a session that has ended may still be linked, and none comes of it", func(b *bench) {
		s := b.create(ada, nil)
		b.link("sub", time.Hour, s.Key)
		b.must(End(b.Context(), b.store, s.Key))
		for _, key := range mustLinked(b, "sub") {
			b.gone(key)
		}
	})
	each(t, h, "what is unlinked is gone, and nothing else", func(b *bench) {
		keys := b.keys(4)
		b.link("sub", time.Hour, keys...)
		b.link("sid", time.Hour, keys...)
		b.must(b.store.Unlink(b.Context(), "sub", keys[0], keys[2]))
		b.linksAre("sub", keys[1], keys[3])
		b.linksAre("sid", keys...)
		b.must(b.store.Unlink(b.Context(), "sub"))
		b.linksAre("sub", keys[1], keys[3])
		b.must(b.store.Unlink(b.Context(), "sub", keys...))
		b.linksAre("sub")
		b.link("sub", time.Hour, keys[0])
		b.linksAre("sub", keys[0])
	})
	each(t, h, "to unlink what was never linked is no error", func(b *bench) {
		b.must(b.store.Unlink(b.Context(), "sub", b.keys(2)...))
		b.linksAre("sub")
	})
	each(t, h, "sessions of one secret in two shards are two", func(b *bench) {
		one := b.keys(1)[0]
		two := one
		two.Shard++
		b.link("sub", time.Hour, one, two)
		b.linksAre("sub", one, two)
		b.must(b.store.Unlink(b.Context(), "sub", one))
		b.linksAre("sub", two)
	})
	each(t, h, "any text names links", func(b *bench) {
		keys := b.keys(len(anyNames()))
		for i, name := range anyNames() {
			b.link(name, time.Hour, keys[i])
		}
		for i, name := range anyNames() {
			b.linksAre(name, keys[i])
		}
	})
	each(t, h, "those who are linked at once are all linked", func(b *bench) {
		keys := b.keys(64)
		together(len(keys), func(i int) {
			if err := b.store.Link(b.Context(), "sub", keys[i], time.Hour); err != nil {
				b.Errorf("linking: %v", err)
			}
		})
		b.linksAre("sub", keys...)
	})
	each(t, h, "twelve hundred links of one name are read and forgotten whole", func(b *bench) {
		keys := b.keys(1200)
		together(64, func(i int) {
			for j := i; j < len(keys); j += 64 {
				if err := b.store.Link(b.Context(), "sub", keys[j], time.Hour); err != nil {
					b.Errorf("linking one of many: %v", err)
				}
			}
		})
		b.linksAre("sub", keys...)
		b.must(b.store.Unlink(b.Context(), "sub", keys[1:]...))
		b.linksAre("sub", keys[0])
	})
}

func testOneLink(t *testing.T, h Harness) {
	each(t, h, "a session is linked to its own names alone", func(b *bench) {
		keys := b.keys(4)
		b.eachIs(false, "sub", keys...)
		b.link("sub", time.Hour, keys[:2]...)
		b.link("sid", time.Hour, keys[1:3]...)
		b.eachIs(true, "sub", keys[:2]...)
		b.eachIs(false, "sub", keys[2:]...)
		b.eachIs(true, "sid", keys[1:3]...)
		b.eachIs(false, "sid", keys[0], keys[3])
		b.eachIs(false, "su", keys...)
	})
	each(t, h, "a session that has ended is linked still", func(b *bench) {
		s := b.create(ada, nil)
		b.link("sub", time.Hour, s.Key)
		b.must(End(b.Context(), b.store, s.Key))
		b.eachIs(true, "sub", s.Key)
	})
	each(t, h, "a session that was unlinked is not linked until it is again", func(b *bench) {
		keys := b.keys(2)
		b.link("sub", time.Hour, keys...)
		b.must(b.store.Unlink(b.Context(), "sub", keys[0]))
		b.eachIs(false, "sub", keys[0])
		b.eachIs(true, "sub", keys[1])
		b.link("sub", time.Hour, keys[0])
		b.eachIs(true, "sub", keys...)
	})
	each(t, h, "a session is not linked because one of its secret in another shard is", func(b *bench) {
		one := b.keys(1)[0]
		two := one
		two.Shard++
		b.link("sub", time.Hour, one)
		b.eachIs(true, "sub", one)
		b.eachIs(false, "sub", two)
	})
	each(t, h, "any text names one link", func(b *bench) {
		keys := b.keys(len(anyNames()))
		for i, name := range anyNames() {
			b.link(name, time.Hour, keys[i])
		}
		for i, name := range anyNames() {
			b.eachIs(true, name, keys[i])
			b.eachIs(false, name, keys[(i+1)%len(keys)])
		}
	})
	each(t, h, "of seven hundred each is linked and each is unlinked", func(b *bench) {
		keys := b.keys(700)
		together(64, func(i int) {
			for j := i; j < len(keys); j += 64 {
				if err := b.store.Link(b.Context(), "sub", keys[j], time.Hour); err != nil {
					b.Errorf("linking one of many: %v", err)
				}
			}
		})
		b.eachIs(true, "sub", keys...)
		b.must(b.store.Unlink(b.Context(), "sub", keys[1:]...))
		b.eachIs(true, "sub", keys[0])
		b.eachIs(false, "sub", keys[1:]...)
	})
}

func mustLinked(b *bench, name string) []sessionstore.Key {
	b.Helper()
	keys, err := b.store.Linked(b.Context(), name)
	b.must(err)
	return keys
}

func testLinkLives(t *testing.T, h Harness) {
	each(t, h, "a link ends by itself and leaves the others", func(b *bench) {
		keys := b.keys(2)
		b.link("sub", b.ticks(10), keys[0])
		b.link("sub", b.ticks(1000), keys[1])
		b.pass(6)
		b.linksAre("sub", keys...)
		b.pass(4)
		b.linksBecome("sub", keys[1])
	})
	each(t, h, "a link is prolonged by linking again, and never cut short", func(b *bench) {
		keys := b.keys(2)
		b.link("sub", b.ticks(3), keys...)
		b.link("sub", b.ticks(1000), keys...)
		b.link("sub", b.ticks(3), keys...)
		b.pass(6)
		b.linksAre("sub", keys...)
	})
	each(t, h, "a short link beside a long one ends, whichever came last", func(b *bench) {
		keys := b.keys(3)
		b.link("sub", b.ticks(3), keys[0])
		b.link("sub", b.ticks(1000), keys[1])
		b.link("sub", b.ticks(3), keys[2])
		b.pass(3)
		b.linksBecome("sub", keys[1])
	})
	each(t, h, "a link of no length ends all the same", func(b *bench) {
		keys := b.keys(3)
		for i, life := range []time.Duration{0, -time.Hour, time.Nanosecond} {
			b.link("sub", life, keys[i])
		}
		b.pass(1)
		b.linksBecome("sub")
	})
	// Linked is not asked here, for it may drop what has ended.
	each(t, h, "one link ends by itself, and stands for as long as it was prolonged", func(b *bench) {
		keys := b.keys(3)
		b.link("sub", b.ticks(10), keys...)
		b.link("sub", b.ticks(1000), keys[1])
		b.link("sid", b.ticks(10), keys[2])
		b.pass(6)
		b.eachIs(true, "sub", keys...)
		b.pass(4)
		b.eventually("two links have ended", func() bool {
			return !b.isLinked("sub", keys[0]) && !b.isLinked("sub", keys[2])
		})
		b.eventually("the one link of a name has ended", func() bool { return !b.isLinked("sid", keys[2]) })
		b.eachIs(true, "sub", keys[1])
	})
}
