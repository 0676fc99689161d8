package sessionstore

import (
	"encoding/binary"
	"errors"
	"time"
)

// A record is a session as a store keeps it at rest:
//
//	0       format, now 1
//	1..8    version, big endian
//	9..16   last seen, unix milliseconds, big endian
//	17..20  id of the sealing key
//	21..32  nonce
//	33..    AES-256-GCM ciphertext and its tag
//
// The associated data are the 34 bytes of the session's key and bytes 0..8, so
// that a record opens under no other key and with no other version.
//
// Last seen lies outside the seal on purpose: Touch then needs no sealing key
// and rewrites eight bytes in place. Whoever can write to the store can
// therefore put the idle timeout of a session off, up to its sealed ExpiresAt,
// and nothing else.
const (
	// RecordVersionAt is where the version begins, RecordVersionSize bytes.
	RecordVersionAt   = 1
	RecordVersionSize = 8
	// RecordLastSeenAt is where last seen begins, RecordLastSeenSize bytes.
	RecordLastSeenAt   = 9
	RecordLastSeenSize = 8

	recordKeyIDAt  = RecordLastSeenAt + RecordLastSeenSize
	recordSealedAt = recordKeyIDAt + keyIDSize
	recordBoundEnd = RecordVersionAt + RecordVersionSize

	// RecordMinSize is the length of the shortest value that can be a record.
	RecordMinSize = recordSealedAt + sealOverhead
)

const (
	recordFormat = 1
	// maxFormat bounds the formats to come. Text and JSON begin above it, so
	// a foreign value is not mistaken for the work of a newer gateway.
	maxFormat = 15
)

// Why a record does not open. Each of them means "cannot tell", never "no
// session": nobody is signed out by them.
var (
	// ErrCorrupt says that the value is damaged, was moved from another key,
	// or was not written by this gateway.
	ErrCorrupt = errors.New("session record is damaged or foreign: see whether something else writes to this store, or revoke the session")
	// ErrFormat says that a newer gateway wrote the record.
	ErrFormat = errors.New("session record was written by a newer version: upgrade this gateway as well")
	// ErrUnknownKey says that the record was sealed with a secret that is not
	// configured here: a former one, or one that another gateway has already.
	ErrUnknownKey = errors.New("session record was sealed with a secret that is not configured here: " +
		"add it, be it a former one or another gateway's new one, after the present one")
)

// IsUnreadable reports whether the error says that a record does not open. Its
// session can be ended all the same: to end one nothing need be opened.
func IsUnreadable(err error) bool {
	return errors.Is(err, ErrCorrupt) || errors.Is(err, ErrFormat) || errors.Is(err, ErrUnknownKey)
}

// CheckRecord says whether the header of a record can be read: nil, ErrCorrupt
// or ErrFormat. It needs no key, and so says nothing of what is sealed.
func CheckRecord(record []byte) error {
	switch {
	case len(record) > 0 && record[0] > recordFormat && record[0] <= maxFormat:
		return ErrFormat
	case len(record) < RecordMinSize || record[0] != recordFormat:
		return ErrCorrupt
	}
	return nil
}

// RecordVersion is the version in the header of a record that CheckRecord
// accepts. No session ever has the version 0, which is the answer for others.
func RecordVersion(record []byte) uint64 {
	if CheckRecord(record) != nil {
		return 0
	}
	return binary.BigEndian.Uint64(record[RecordVersionAt:])
}

// RecordLastSeen is when the person was last seen, in UTC, by the header of a
// record that CheckRecord accepts; the zero time for others.
func RecordLastSeen(record []byte) time.Time {
	if CheckRecord(record) != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(record[RecordLastSeenAt:]))).UTC()
}

// SetRecordLastSeen rewrites last seen in place, to the millisecond. The seal
// stays good. A value that CheckRecord does not accept is left as it is.
func SetRecordLastSeen(record []byte, seen time.Time) {
	if CheckRecord(record) == nil {
		binary.BigEndian.PutUint64(record[RecordLastSeenAt:], uint64(seen.UnixMilli()))
	}
}
