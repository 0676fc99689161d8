package embedded_test

import (
	"context"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

// asked is a context that tells each time it is asked whether it has ended.
type asked struct {
	context.Context
	tell func()
}

// Err implements context.Context.
func (a asked) Err() error {
	a.tell()
	return a.Context.Err()
}

// A limit that is newly set ends whatever is over it at the next sign-in. Whoever else
// signs in meanwhile waits for a part of that.
func TestALimitThatIsNewlySetKeepsNobodyWaiting(t *testing.T) {
	st := embedded.New(openDB(t, newPath(t)), storetest.NewSealer(t, 'k'), time.Now)
	all := make([]*sessionstore.Session, 3000)
	for i := range all {
		all[i] = newSession(1)
		all[i].LastSeenAt = all[i].LastSeenAt.Add(time.Duration(i-len(all)) * time.Second)
	}
	fill(t, st, all)
	others := 0
	ctx := asked{t.Context(), func() {
		others++
		begin(t, st, 2)
		if others == 2 { // it is known which are over the limit, and none has ended yet
			must(t, st.Touch(t.Context(), all[0], time.Now()))
		}
	}}
	next := newSession(1)
	ended, err := st.Create(ctx, next, sessionstore.Limit{Sessions: 5})
	must(t, err)
	if len(ended) != len(all)-4 || others < len(all)/500 {
		t.Errorf("%d ended; %d others were served meanwhile", len(ended), others)
	}
	left, err := st.List(t.Context(), 1)
	must(t, err)
	want := map[sessionstore.Key]bool{next.Key: true, all[0].Key: true, all[2999].Key: true, all[2998].Key: true, all[2997].Key: true}
	for _, s := range left {
		if !want[s.Key] {
			t.Errorf("another one is left, of %v", s.LastSeenAt)
		}
	}
	if len(left) != len(want) {
		t.Errorf("%d are left", len(left))
	}
	t.Run("one who may have no more is refused, and loses nothing", func(t *testing.T) {
		for i := range all {
			all[i] = newSession(3)
		}
		fill(t, st, all)
		if ended, err := st.Create(t.Context(), newSession(3), sessionstore.Limit{Sessions: 5, Refuse: true}); err == nil || len(ended) > 0 {
			t.Errorf("%d ended, %v", len(ended), err)
		}
	})
}
