package memory

import (
	"context"

	"example.com/sidegate/sessionstore"
)

// Own implements sessionstore.Owners, until the gateway restarts.
func (st *Store) Own(ctx context.Context, c sessionstore.Claim) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if c.May(st.owners[c.Number], len(st.byUser[c.Number]) > 0) {
		st.owners[c.Number] = c.Owner
	}
	return st.owners[c.Number], nil
}
