package storetest_test

import (
	"context"
	"sync"

	"example.com/sidegate/sessionstore"
)

// lastComes has a number belong to who claimed it last.
type lastComes struct {
	sessionstore.Store
	last *sync.Map
}

func (st lastComes) Own(_ context.Context, c sessionstore.Claim) (string, error) {
	if c.Owner != "" {
		st.last.Store(c.Number, c.Owner)
	}
	owner, _ := st.last.LoadOrStore(c.Number, "")
	return owner.(string), nil
}

// unseeing does not look for sessions of the number.
type unseeing struct{ sessionstore.Store }

func (st unseeing) Own(ctx context.Context, c sessionstore.Claim) (string, error) {
	c.Begun = true
	return st.Store.Own(ctx, c)
}

// lasting replaces no owner.
type lasting struct{ sessionstore.Store }

func (st lasting) Own(ctx context.Context, c sessionstore.Claim) (string, error) {
	c.Instead = ""
	return st.Store.Own(ctx, c)
}

// unaware knows of no number that was given.
type unaware struct{ sessionstore.Store }

func (st unaware) Numbered(context.Context, int64) (bool, error) { return false, nil }
