package sessionstore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
)

const (
	// SealingKeySize is the length of a sealing key: AES-256.
	SealingKeySize = 32

	keyIDSize    = 4
	sealOverhead = 12 + 16 // nonce and tag
	// plainHint is room for most sessions, so that encoding seldom grows.
	plainHint = 1024
	// largestPlain is the most that a buffer may have to be used again.
	largestPlain = 16 << 10
)

// Sealer seals sessions into records and opens them. It may be used
// concurrently.
//
// Nonces are random, so one key should seal no more than 2^32 records (NIST SP
// 800-38D section 8.3): at a hundred sign-ins a second that is over a year,
// which is when to put a new secret in front of it.
type Sealer struct {
	keys  []sealingKey
	names namesCache
}

type sealingKey struct {
	id   [keyIDSize]byte
	aead cipher.AEAD
}

// NewSealer makes a sealer of one or more keys of SealingKeySize bytes: the
// first seals, all of them open. The keys are copied.
func NewSealer(keys ...[]byte) (*Sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("no sealing key: configure a secret")
	}
	sl := &Sealer{keys: make([]sealingKey, 0, len(keys))}
	for i, key := range keys {
		if len(key) != SealingKeySize {
			return nil, fmt.Errorf("sealing key %d of %d has %d bytes: it needs %d", i+1, len(keys), len(key), SealingKeySize)
		}
		k, err := newSealingKey(key)
		if err != nil {
			return nil, fmt.Errorf("preparing sealing key %d of %d: %w", i+1, len(keys), err)
		}
		sl.keys = append(sl.keys, k)
	}
	return sl, nil
}

func newSealingKey(key []byte) (sealingKey, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealingKey{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	k := sealingKey{aead: aead}
	sum := sha256.Sum256(append([]byte("sidegate record key id"), key...))
	copy(k.id[:], sum[:])
	return k, err
}

// Seal makes the record of a session, with the first key. Version and
// LastSeenAt go into its header; times are kept to the millisecond, the
// person's own dates to the nanosecond. User.Token is left out.
func (sl *Sealer) Seal(s *Session) []byte {
	plain := appendSession(make([]byte, 0, plainHint), s)
	first := &sl.keys[0]
	record := make([]byte, 0, recordSealedAt+sealOverhead+len(plain))
	record = append(record, recordFormat)
	record = binary.BigEndian.AppendUint64(record, s.Version)
	record = binary.BigEndian.AppendUint64(record, uint64(s.LastSeenAt.UnixMilli()))
	record = append(record, first.id[:]...)
	return first.aead.Seal(record, nil, plain, bound(s.Key, record))
}

// Open reads the record of that key. Its errors are ErrCorrupt, ErrFormat and
// ErrUnknownKey; all of them mean "cannot tell".
func (sl *Sealer) Open(key Key, record []byte) (*Session, error) {
	room := plains.Get().(*[]byte)
	defer putBack(room)
	var err error
	if *room, err = sl.unseal((*room)[:0], key, record); err != nil {
		return nil, err
	}
	s, ok := sl.names.decode(*room)
	if !ok {
		return nil, ErrCorrupt
	}
	s.Key, s.Version, s.LastSeenAt = key, RecordVersion(record), RecordLastSeen(record)
	return s, nil
}

// plains are buffers for what was sealed, of which a session keeps a copy.
var plains = sync.Pool{New: func() any { return new([]byte) }}

// putBack lets a buffer be used again, unless it is uncommonly large. It may
// have held credentials that a login keeps: they go at once.
func putBack(room *[]byte) {
	clear(*room)
	if cap(*room) <= largestPlain {
		plains.Put(room)
	}
}

// unseal appends what is sealed in the record to dst, which comes back as it
// was with an error.
func (sl *Sealer) unseal(dst []byte, key Key, record []byte) ([]byte, error) {
	if err := CheckRecord(record); err != nil {
		return dst, err
	}
	cause := ErrUnknownKey
	for i := range sl.keys {
		if !sl.keys[i].sealed(record) {
			continue
		}
		plain, err := sl.keys[i].aead.Open(dst, nil, record[recordSealedAt:], bound(key, record))
		if err == nil {
			return plain, nil
		}
		cause = ErrCorrupt
	}
	return dst, cause
}

// KeyIDs are what records name the keys by, 8 hexadecimal digits each: the first
// seals, all open. Nothing of a key can be had back from its id.
func (sl *Sealer) KeyIDs() []string {
	ids := make([]string, len(sl.keys))
	for i := range sl.keys {
		ids[i] = hex.EncodeToString(sl.keys[i].id[:])
	}
	return ids
}

// Format answers every verb with the same words, so that no key schedule ends
// up in a log.
func (*Sealer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[sealer]")) }

func (k *sealingKey) sealed(record []byte) bool {
	return string(record[recordKeyIDAt:recordSealedAt]) == string(k.id[:])
}

// bound is the associated data of a record: what it is sealed to.
func bound(key Key, record []byte) []byte {
	b := key.AppendTo(make([]byte, 0, keySize+recordBoundEnd))
	return append(b, record[:recordBoundEnd]...)
}
