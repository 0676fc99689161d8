package redis

import (
	"context"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

// Own notes whom a person's number belongs to: see sessionstore.Owners. It lies
// in the slot of the person's sessions, and is written before the first of them:
// a replica that takes over has both or neither, so that nothing waits for it.
// It has no end, and is as safe as numbers are: see Store.Number. To free a
// number, delete its key, which ends in :w:<number>.
func (st *Store) Own(ctx context.Context, c sessionstore.Claim) (string, error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	begun := 0
	if c.Begun {
		begun = 1
	}
	owner, err := ownScript.Run(ctx, st.client, []string{st.personKey(c.Number), st.indexKey(c.Number)},
		c.Owner, c.Instead, begun).Text()
	return owner, st.failed("noting in redis whom a number belongs to", err)
}

// Numbered asks whether a number is reserved for anybody: see
// sessionstore.Numbers.
func (st *Store) Numbered(ctx context.Context, n int64) (bool, error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	_, err := st.fetch(ctx, st.ownerKey(n))
	if err == goredis.Nil { //nolint:errorlint // see read
		return false, nil
	}
	return err == nil, st.failed("asking redis for a number", err)
}
