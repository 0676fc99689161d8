package embedded

import (
	"context"
	"io"

	"example.com/sidegate/sessionstore"
)

var _ sessionstore.FileStore = (*Store)(nil)

// Backup implements sessionstore.FileStore.
func (st *Store) Backup(ctx context.Context, w io.Writer) (int64, error) { return st.db.Backup(ctx, w) }

// Check implements sessionstore.FileStore, with the secrets of this store.
func (st *Store) Check(ctx context.Context) (sessionstore.FileReport, error) {
	return st.db.Check(ctx, st.sealer, st.now())
}

// Compact implements sessionstore.FileStore.
func (st *Store) Compact(ctx context.Context) (before, after int64, err error) {
	return st.db.Compact(ctx)
}
