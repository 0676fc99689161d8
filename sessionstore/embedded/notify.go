package embedded

import (
	"context"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
)

// Notify implements sessionstore.Notifier. It tells of what any Store on the same
// DB does: a configuration hears of what the one before it still changes.
func (st *Store) Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error {
	return st.db.changes.Notify(ctx, changed, gap)
}

// change is write of what others are told of: the sessions that it answers, which
// were changed or ended. They are told of too when the disk fails, for what was
// written may be there all the same.
func (st *Store) change(ctx context.Context, do func(*bbolt.Tx) ([]sessionstore.Key, error)) error {
	var told []sessionstore.Key
	err := st.write(ctx, func(tx *bbolt.Tx) (err error) {
		if told, err = do(tx); err != nil {
			told = nil
		}
		return err
	})
	st.db.changes.Tell(told...)
	return err
}
