package embedded

import (
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
	for _, s := range over {
		ended = append(ended, sessionstore.Ended{Key: s.Key, Session: st.read(tx, s.Key)})
		if _, err := st.discardOf(tx, userID, s.Key); err != nil {
			return nil, err
		}
	}
	return ended, nil
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
