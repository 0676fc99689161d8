package embedded

import (
	"context"
	"errors"
	"slices"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
)

// makeRoom ends what the limit leaves no room for beside a new session. It
// needs no sealing key: when somebody was last seen lies in the clear.
func (st *Store) makeRoom(tx *bbolt.Tx, userID int64, limit sessionstore.Limit) (ended []sessionstore.Ended, err error) {
	if limit.Sessions <= 0 {
		return nil, nil
	}
	keys := userKeys(tx, userID)
	if !limit.Reached(len(keys)) {
		return nil, nil
	}
	over, err := limit.Over(st.idle(tx, keys))
	if err != nil {
		return nil, err
	}
	return st.endOver(tx, userID, over)
}

func (st *Store) endOver(tx *bbolt.Tx, userID int64, over []sessionstore.Idle) (ended []sessionstore.Ended, err error) {
	for _, s := range over {
		ended = append(ended, sessionstore.Ended{Key: s.Key, Session: st.read(tx, s.Key)})
		if _, err := st.discardOf(tx, userID, s.Key); err != nil {
			return nil, err
		}
	}
	return ended, nil
}

func keysOf(ended []sessionstore.Ended) (keys []sessionstore.Key) {
	for _, s := range ended {
		keys = append(keys, s.Key)
	}
	return keys
}

// endFarOver ends in pages what is over a limit by more than one page, as where it is
// newly set: whoever else writes waits for one page at most. The few that are left, and
// whoever was active meanwhile, are makeRoom's.
func (st *Store) endFarOver(ctx context.Context, next sessionstore.Key, userID int64, limit sessionstore.Limit) (ended []sessionstore.Ended, err error) {
	over, err := st.farOver(ctx, next, userID, limit)
	if err != nil {
		return nil, err
	}
	for page := range slices.Chunk(over, pageSize) {
		var went []sessionstore.Ended
		err := st.change(ctx, func(tx *bbolt.Tx) ([]sessionstore.Key, error) {
			var err error
			went, err = st.endOver(tx, userID, st.stillIdle(tx, page))
			return keysOf(went), err
		})
		if err != nil {
			return ended, err
		}
		ended = append(ended, went...)
	}
	return ended, nil
}

// farOver are the sessions that are over a limit where they are more than one page; none
// where the next one is refused.
func (st *Store) farOver(ctx context.Context, next sessionstore.Key, userID int64, limit sessionstore.Limit) (over []sessionstore.Idle, err error) {
	if limit.Sessions <= 0 {
		return nil, nil
	}
	err = st.view(ctx, func(tx *bbolt.Tx) error {
		keys := userKeys(tx, userID)
		if len(keys) < limit.Sessions+pageSize || tx.Bucket(sessionsBucket).Get(next.AppendTo(nil)) != nil {
			return nil
		}
		over, err = limit.Over(st.idle(tx, keys))
		return err
	})
	if errors.Is(err, sessionstore.ErrTooMany) || len(over) <= pageSize {
		over = nil
	}
	if errors.Is(err, sessionstore.ErrTooMany) {
		err = nil // which is said where the next one is made
	}
	return over, err
}

// stillIdle are those that are there, and were not active since.
func (st *Store) stillIdle(tx *bbolt.Tx, page []sessionstore.Idle) (idle []sessionstore.Idle) {
	keys := make([]sessionstore.Key, len(page))
	for i, s := range page {
		keys[i] = s.Key
	}
	for _, now := range st.idle(tx, keys) {
		if slices.ContainsFunc(page, func(then sessionstore.Idle) bool {
			return then.Key == now.Key && !now.LastSeenAt.After(then.LastSeenAt)
		}) {
			idle = append(idle, now)
		}
	}
	return idle
}

// idle says of those sessions that have not expired when each was last seen.
func (st *Store) idle(tx *bbolt.Tx, keys []sessionstore.Key) (live []sessionstore.Idle) {
	for _, key := range keys {
		value := tx.Bucket(sessionsBucket).Get(key.AppendTo(nil))
		if value == nil {
			continue // a damaged entry has left this place
		}
		e, damaged := parseEntry(value)
		if damaged != nil || st.live(e) {
			live = append(live, sessionstore.Idle{Key: key, LastSeenAt: sessionstore.RecordLastSeen(e.record)})
		}
	}
	return live
}

// read is the session of that key as far as it can be read, expired or not.
func (st *Store) read(tx *bbolt.Tx, key sessionstore.Key) *sessionstore.Session {
	e, err := parseEntry(tx.Bucket(sessionsBucket).Get(key.AppendTo(nil)))
	if err != nil {
		return nil
	}
	s, err := st.sealer.Open(key, e.record)
	if err != nil {
		return nil
	}
	return s
}
