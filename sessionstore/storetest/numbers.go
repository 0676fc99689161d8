package storetest

import (
	"fmt"
	"sync"
	"testing"

	"example.com/sidegate/sessionstore"
)

// number asks for the number of a name, which must be one that JavaScript reads.
func (b *bench) number(name string) int64 {
	b.Helper()
	n, err := b.store.Number(b.Context(), name)
	b.must(err)
	if n < 1 || n > sessionstore.MaxNumber {
		b.Fatalf("the number is %d; want 1 to 2^53-1", n)
	}
	return n
}

func testNumbers(t *testing.T, h Harness) {
	each(t, h, "a name has the same number each time, and no other has it", func(b *bench) {
		given := make(map[int64]string)
		for range 2 {
			for i := range 50 {
				name := fmt.Sprint("https://sso.example.com subject-", i)
				n := b.number(name)
				if other, ok := given[n]; ok && other != name {
					b.Fatalf("%d is the number of %q and of %q", n, other, name)
				}
				given[n] = name
			}
		}
		if len(given) != 50 {
			b.Fatalf("50 names have %d numbers", len(given))
		}
	})
	each(t, h, "any text has a number", func(b *bench) {
		given := make(map[int64]bool)
		for _, name := range anyNames() {
			given[b.number(name)] = true
		}
		if len(given) != len(anyNames()) {
			b.Fatalf("%d names have %d numbers", len(anyNames()), len(given))
		}
	})
	each(t, h, "many who ask at once for one name are given one number", func(b *bench) {
		var mu sync.Mutex
		given := make(map[string]map[int64]bool)
		together(64, func(i int) {
			name := fmt.Sprint("subject-", i%4)
			n, err := b.store.Number(b.Context(), name)
			if err != nil {
				b.Errorf("numbering: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if given[name] == nil {
				given[name] = make(map[int64]bool)
			}
			given[name][n] = true
		})
		all := make(map[int64]bool)
		for name, numbers := range given {
			if len(numbers) != 1 {
				b.Errorf("%s was given the numbers %v", name, numbers)
			}
			for n := range numbers {
				all[n] = true
			}
		}
		if len(all) != 4 {
			b.Errorf("4 names were given %d numbers", len(all))
		}
	})
	each(t, h, "a number outlives the sessions of its person", func(b *bench) {
		n := b.number("subject")
		s := b.create(n, b.lives(3, 0))
		b.pass(3)
		b.goes(s.Key)
		if again := b.number("subject"); again != n {
			b.Fatalf("the number is %d; it was %d", again, n)
		}
	})
	each(t, h, "leases, links, attempts and numbers of one name are different things", func(b *bench) {
		n, key := b.number("name"), b.keys(1)[0]
		b.takes("name", 1, b.ticks(1000), 1)
		b.mayHold("name", "one", b.ticks(1000), true)
		b.link("name", b.ticks(1000), key)
		b.must(b.store.Forget(b.Context(), "name"))
		b.must(b.store.Release(b.Context(), "name", "one"))
		b.linksAre("name", key)
		b.must(b.store.Unlink(b.Context(), "name", key))
		if again := b.number("name"); again != n {
			b.Fatalf("the number is %d; it was %d", again, n)
		}
	})
}
