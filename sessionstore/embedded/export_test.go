package embedded

import (
	"bytes"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
)

// Rewrite changes the record of a session in the file, and no index.
func (st *Store) Rewrite(key sessionstore.Key, edit func(record []byte) []byte) error {
	return st.db.bolt.Load().Update(func(tx *bbolt.Tx) error {
		at, sessions := key.AppendTo(nil), tx.Bucket(sessionsBucket)
		entry := bytes.Clone(sessions.Get(at))
		return sessions.Put(at, append(entry[:entrySize:entrySize], edit(entry[entrySize:])...))
	})
}

// Fill stores new sessions, many in one transaction.
func (st *Store) Fill(sessions []*sessionstore.Session) error {
	for page := range slices.Chunk(sessions, 1000) {
		err := st.db.bolt.Load().Update(func(tx *bbolt.Tx) error {
			for _, s := range page {
				held := s.Clone()
				held.Version = 1
				if err := newEntry(held, st.sealer.Seal(held)).put(tx, held.Key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Path is where the file lies.
func (db *DB) Path() string { return db.path }

// TakeAlone has the file alone, as who compacts it, until release is called.
func (db *DB) TakeAlone(t *testing.T) (release func()) {
	t.Helper()
	if err := db.turns.takeAlone(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db.turns.giveBack
}

// IsTakenAlone reports whether somebody has the file alone, or waits for that.
func (db *DB) IsTakenAlone() bool {
	db.turns.mu.Lock()
	defer db.turns.mu.Unlock()
	return db.turns.alone != nil
}

// Keep has the keeping of the file, as who copies it, until release is called.
func (db *DB) Keep(t *testing.T) (release func()) {
	t.Helper()
	done, err := db.keep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// MaxSent is how many copies are on their way at once.
const MaxSent = maxSent
