package embedded

import (
	"encoding/binary"
	"time"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
)

// The buckets of the file. All of their keys sort as their parts do.
var (
	// sessions: session key -> entry.
	sessionsBucket = []byte("sessions")
	// users: user id, session key -> nothing. What a person's list is read from.
	usersBucket = []byte("users")
	// ends: when it ends, session key -> nothing. What the sweep reads.
	endsBucket = []byte("ends")
	// attempts: SHA-256 of the bucket's name -> its count.
	attempts = ending{[]byte("attempts"), []byte("attempt-ends")}
	// leases: SHA-256 of the name -> SHA-256 of the holder.
	leases = ending{[]byte("leases"), []byte("lease-ends")}
	// links: SHA-256 of the name, session key -> nothing.
	links = ending{[]byte("links"), []byte("link-ends")}
	// numbers: SHA-256 of the name -> its number. The bucket's sequence is the
	// last number given.
	numbersBucket = []byte("numbers")
	// owners: a person's number -> whom it belongs to.
	ownersBucket = []byte("owners")

	bucketNames = [][]byte{
		sessionsBucket, usersBucket, endsBucket, numbersBucket, ownersBucket, pulseBucket,
		attempts.values, attempts.index, leases.values, leases.index, links.values, links.index,
	}
)

// entrySize is the length of what lies in front of the record in an entry.
const entrySize = 24

// entry is a session in the file: its sealed record and, in front of it and in
// the clear, what indexes and sweep need, so that both work for records whose
// sealing secret is gone. None of it is believed when a session is handed
// out: the sealed life decides then.
type entry struct {
	user    int64
	expires time.Time
	idle    time.Duration
	record  []byte
}

func newEntry(s *sessionstore.Session, record []byte) entry {
	return entry{user: s.User.ID, expires: s.ExpiresAt, idle: s.IdleTimeout, record: record}
}

// parseEntry reads an entry; its record is part of value.
func parseEntry(value []byte) (entry, error) {
	if len(value) < entrySize {
		return entry{}, sessionstore.ErrCorrupt
	}
	return entry{
		user:    int64(binary.BigEndian.Uint64(value)),
		expires: readMoment(value[8:]),
		idle:    time.Duration(binary.BigEndian.Uint64(value[16:])),
		record:  value[entrySize:],
	}, sessionstore.CheckRecord(value[entrySize:])
}

func (e entry) bytes() []byte {
	b := make([]byte, 0, entrySize+len(e.record))
	b = binary.BigEndian.AppendUint64(b, uint64(e.user))
	b = appendMoment(b, e.expires)
	b = binary.BigEndian.AppendUint64(b, uint64(e.idle))
	return append(b, e.record...)
}

// life is what the entry says of when its session ends.
func (e entry) life() sessionstore.Session {
	return sessionstore.Session{
		ExpiresAt: e.expires, IdleTimeout: e.idle,
		LastSeenAt: sessionstore.RecordLastSeen(e.record),
	}
}

// ends is when the session ends if nothing more is seen of the person.
func (e entry) ends() time.Time {
	s := e.life()
	return s.IdleExpiresAt()
}

// put writes the entry and its place in both indexes.
func (e entry) put(tx *bbolt.Tx, key sessionstore.Key) error {
	if err := tx.Bucket(sessionsBucket).Put(key.AppendTo(nil), e.bytes()); err != nil {
		return err
	}
	if err := tx.Bucket(usersBucket).Put(userIndexKey(e.user, key), nil); err != nil {
		return err
	}
	return tx.Bucket(endsBucket).Put(endsIndexKey(e.ends(), key), nil)
}

// replace writes next in the place of e.
func (e entry) replace(tx *bbolt.Tx, key sessionstore.Key, next entry) error {
	if err := tx.Bucket(endsBucket).Delete(endsIndexKey(e.ends(), key)); err != nil {
		return err
	}
	return next.put(tx, key)
}

// remove drops the entry and its place in both indexes.
func (e entry) remove(tx *bbolt.Tx, key sessionstore.Key) error {
	if err := tx.Bucket(endsBucket).Delete(endsIndexKey(e.ends(), key)); err != nil {
		return err
	}
	if err := tx.Bucket(usersBucket).Delete(userIndexKey(e.user, key)); err != nil {
		return err
	}
	return tx.Bucket(sessionsBucket).Delete(key.AppendTo(nil))
}

func userIndexKey(user int64, key sessionstore.Key) []byte {
	return key.AppendTo(binary.BigEndian.AppendUint64(nil, uint64(user)))
}

func endsIndexKey(ends time.Time, key sessionstore.Key) []byte {
	return key.AppendTo(appendMoment(nil, ends))
}

// appendMoment writes a time in milliseconds, so that earlier ones sort first,
// those before 1970 included.
func appendMoment(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMilli())^1<<63)
}

func readMoment(b []byte) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b) ^ 1<<63)).UTC()
}
