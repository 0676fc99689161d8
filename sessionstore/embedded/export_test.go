package embedded

import (
	"bytes"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
)

// Rewrite changes the record of a session in the file, and no index.
func (st *Store) Rewrite(key sessionstore.Key, edit func(record []byte) []byte) error {
	return st.db.bolt.Update(func(tx *bbolt.Tx) error {
		at, sessions := key.AppendTo(nil), tx.Bucket(sessionsBucket)
		entry := bytes.Clone(sessions.Get(at))
		return sessions.Put(at, append(entry[:entrySize:entrySize], edit(entry[entrySize:])...))
	})
}
