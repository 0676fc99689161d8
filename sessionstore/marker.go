package sessionstore

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	markSize = 12 // bytes of the tag: 96 bits
	// markedRandom is how much randomness is left beside the tag: 160 bits.
	markedRandom = randomSize - markSize
	// MarkKeySize is the length of a Marker's key.
	MarkKeySize = 32
)

// Marker makes secrets that gateways with the same keys know as their own: the
// last 96 of their 256 bits are a keyed tag of the rest. So a gateway can say of
// a cookie that opens no session here whether its session is gone, or whether
// somebody else has made it, who may still know it: another gateway on the same
// host, with another store or secret. Only who could have made a cookie may say
// that it is good for nothing.
//
// A tag proves nothing else, and a secret without it is good as ever: the store
// decides. It may be used concurrently.
type Marker struct{ keys [][]byte }

// NewMarker takes keys of MarkKeySize bytes: the first one marks, all of them
// are known. They must be of no other use.
func NewMarker(keys ...[]byte) (*Marker, error) {
	if len(keys) == 0 {
		return nil, errors.New("no key to mark session cookies with: configure a secret")
	}
	m := new(Marker)
	for i, key := range keys {
		if len(key) != MarkKeySize {
			return nil, fmt.Errorf("key %d of %d to mark session cookies with has %d bytes: it needs %d", i+1, len(keys), len(key), MarkKeySize)
		}
		m.keys = append(m.keys, append([]byte(nil), key...))
	}
	return m, nil
}

// NewSecret makes the secret of a new session of that person, marked.
func (m *Marker) NewSecret(userID int64) Secret {
	var s Secret
	binary.BigEndian.PutUint16(s[:shardSize], ShardOf(userID))
	// crypto/rand never fails: it ends the process when there is no randomness.
	_, _ = rand.Read(s[shardSize : shardSize+markedRandom])
	copy(s[shardSize+markedRandom:], mark(m.keys[0], s))
	return s
}

// Made reports whether a gateway with one of these keys has made the secret. On
// nil nobody has.
func (m *Marker) Made(s Secret) bool {
	if m == nil {
		return false
	}
	made := false
	for _, key := range m.keys {
		made = hmac.Equal(mark(key, s), s[shardSize+markedRandom:]) || made
	}
	return made
}

// mark is the tag of what stands before it.
func mark(key []byte, s Secret) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(s[:shardSize+markedRandom])
	return h.Sum(nil)[:markSize]
}
