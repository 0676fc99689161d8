package storetest

import (
	"fmt"
	"sync"
	"testing"

	"example.com/sidegate/sessionstore"
)

// owns makes the claim, and requires whom the number belongs to then.
func (b *bench) owns(c sessionstore.Claim, want string) {
	b.Helper()
	owner, err := b.store.Own(b.Context(), c)
	b.must(err)
	if owner != want {
		b.Fatalf("Own answers %q; want %q", owner, want)
	}
}

func testOwners(t *testing.T, h Harness) {
	each(t, h, "a number belongs to who claims it first, for good", func(b *bench) {
		b.owns(sessionstore.Claim{Number: ada, Owner: "one"}, "one")
		for _, other := range []string{"two", "ONE", "one ", "one"} {
			b.owns(sessionstore.Claim{Number: ada, Owner: other}, "one")
			b.owns(sessionstore.Claim{Number: ada, Owner: other, Begun: true}, "one")
		}
		b.owns(sessionstore.Claim{Number: grace, Owner: "two"}, "two")
		b.owns(sessionstore.Claim{Number: sessionstore.MaxNumber, Owner: "three"}, "three")
		b.owns(sessionstore.Claim{Number: ada, Owner: "two"}, "one")
	})
	each(t, h, "who only looks claims nothing", func(b *bench) {
		b.owns(sessionstore.Claim{Number: ada}, "")
		b.owns(sessionstore.Claim{Number: ada, Begun: true}, "")
		b.owns(sessionstore.Claim{Number: ada, Owner: "one"}, "one")
		b.owns(sessionstore.Claim{Number: ada}, "one")
		b.owns(sessionstore.Claim{Number: ada, Instead: "one"}, "one")
	})
	each(t, h, "an owner outlives the sessions of their number", func(b *bench) {
		b.owns(sessionstore.Claim{Number: ada, Owner: "one"}, "one")
		ended, gone := b.create(ada, nil), b.create(ada, b.lives(3, 0))
		b.must(End(b.Context(), b.store, ended.Key))
		b.pass(3)
		b.goes(gone.Key)
		_, err := b.store.RevokeUser(b.Context(), ada)
		b.must(err)
		b.owns(sessionstore.Claim{Number: ada, Owner: "two"}, "one")
	})
	each(t, h, "of many who claim one number at once one has it, and all are told who", func(b *bench) {
		for n := range int64(4) {
			var mu sync.Mutex
			told := make(map[string]bool)
			together(32, func(i int) {
				owner, err := b.store.Own(b.Context(), sessionstore.Claim{Number: 100 + n, Owner: fmt.Sprint("person ", i), Begun: i%2 == 0})
				if err != nil {
					b.Errorf("claiming: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				told[owner] = true
			})
			if len(told) != 1 || told[""] {
				b.Errorf("those who claimed %d were told that it belongs to %v", 100+n, told)
			}
		}
	})
	testSucceedingOwners(t, h)
}

func testSucceedingOwners(t *testing.T, h Harness) {
	each(t, h, "a number of which there are sessions is claimed by nobody unless they say so", func(b *bench) {
		s := b.create(ada, nil)
		b.owns(sessionstore.Claim{Number: ada, Owner: "one"}, "")
		b.owns(sessionstore.Claim{Number: ada}, "")
		b.owns(sessionstore.Claim{Number: grace, Owner: "two"}, "two")
		b.must(End(b.Context(), b.store, s.Key))
		b.owns(sessionstore.Claim{Number: ada, Owner: "one"}, "one")
		b.create(ada, nil)
		b.owns(sessionstore.Claim{Number: ada, Owner: "two"}, "one")
	})
	each(t, h, "with sessions too a number belongs to who says that they have seen them", func(b *bench) {
		b.create(ada, nil)
		b.owns(sessionstore.Claim{Number: ada, Owner: "one", Begun: true}, "one")
		b.owns(sessionstore.Claim{Number: ada, Owner: "two", Begun: true}, "one")
	})
	each(t, h, "an owner is replaced by who names them, and by nobody else", func(b *bench) {
		b.owns(sessionstore.Claim{Number: ada, Owner: "one"}, "one")
		b.owns(sessionstore.Claim{Number: ada, Owner: "two", Instead: "another"}, "one")
		b.owns(sessionstore.Claim{Number: ada, Owner: "two", Instead: "one"}, "two")
		b.owns(sessionstore.Claim{Number: ada, Owner: "one", Instead: "one"}, "two")
		b.create(ada, nil)
		b.owns(sessionstore.Claim{Number: ada, Owner: "three", Instead: "two"}, "three")
	})
	each(t, h, "a number that belongs to nobody is claimed whomever it might belong to", func(b *bench) {
		b.owns(sessionstore.Claim{Number: ada, Owner: "one", Instead: "another"}, "one")
	})
	each(t, h, "who asks is told which numbers were given", func(b *bench) {
		n := b.number("subject")
		for number, want := range map[int64]bool{n: true, n + 1000: false, 0: false, -1: false, sessionstore.MaxNumber: false} {
			given, err := b.store.Numbered(b.Context(), number)
			b.must(err)
			if given != want {
				b.Errorf("Numbered(%d) answers %v; want %v", number, given, want)
			}
		}
	})
}
