package sessionstore

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	shardSize  = 2  // bytes of the shard tag
	randomSize = 32 // bytes of randomness in a secret: 256 bits
	keySize    = shardSize + sha256.Size
	idSize     = 12 // bytes of the hash that people see
)

// encoding is strict, so that one secret has exactly one spelling.
var encoding = base64.RawURLEncoding.Strict()

// ErrMalformed says that a text is not a secret or a key at all, so that no
// store need be asked.
var ErrMalformed = errors.New("malformed session secret or key")

// Secret is what a session cookie holds: 256 random bits behind the 16-bit
// shard tag of the person's sessions. Whoever has it is signed in, so it is
// never stored and never logged; a store sees only its Key.
type Secret [shardSize + randomSize]byte

// NewSecret makes the secret of a new session of that person.
func NewSecret(userID int64) Secret {
	var s Secret
	binary.BigEndian.PutUint16(s[:shardSize], ShardOf(userID))
	// crypto/rand never fails: it ends the process when there is no randomness.
	_, _ = rand.Read(s[shardSize:])
	return s
}

// ParseSecret reads a secret as Encode writes it. The error is ErrMalformed
// and holds nothing of the text.
func ParseSecret(text string) (Secret, error) {
	var s Secret
	return s, decodeExactly(s[:], text)
}

// Encode writes the secret as the cookie carries it: 46 characters of base64url.
func (s Secret) Encode() string { return encoding.EncodeToString(s[:]) }

// Key names the session in a store. The secret cannot be had back from it.
func (s Secret) Key() Key {
	var k Key
	k.Shard = binary.BigEndian.Uint16(s[:shardSize])
	k.Hash = sha256.Sum256(s[shardSize:])
	return k
}

// String and GoString keep a secret out of every log and error.
func (Secret) String() string { return "[secret]" }

// GoString is String for %#v.
func (Secret) GoString() string { return "[secret]" }

// Format answers every verb with the same words, %x included.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// Key names a session in a store: the shard of its person and the hash of its
// secret. It is no credential, yet it is the same for the session's whole
// life; show people ID instead.
type Key struct {
	Shard uint16
	Hash  [sha256.Size]byte
}

// ParseKey reads a key as Encode writes it.
func ParseKey(text string) (Key, error) {
	var b [keySize]byte
	if err := decodeExactly(b[:], text); err != nil {
		return Key{}, err
	}
	return KeyFromBytes(b[:])
}

// KeyFromBytes reads a key as AppendTo writes it.
func KeyFromBytes(b []byte) (Key, error) {
	if len(b) != keySize {
		return Key{}, ErrMalformed
	}
	k := Key{Shard: binary.BigEndian.Uint16(b)}
	copy(k.Hash[:], b[shardSize:])
	return k, nil
}

// Encode writes the key as a session token names it: 46 characters of base64url.
func (k Key) Encode() string {
	return encoding.EncodeToString(k.AppendTo(make([]byte, 0, keySize)))
}

// AppendTo appends the key's 34 bytes to b.
func (k Key) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, k.Shard)
	return append(b, k.Hash[:]...)
}

// ID is the short public name of the session, 16 characters: what apps read
// in X-Session-Id, and what people see of their devices.
func (k Key) ID() string { return encoding.EncodeToString(k.Hash[:idSize]) }

// ParseID reads a public name as ID writes it, and returns the bytes that the hash
// of the session's key begins with. The error is ErrMalformed.
func ParseID(text string) ([]byte, error) {
	id := make([]byte, idSize)
	return id, decodeExactly(id, text)
}

// ShardOf is the shard of a person's sessions. All sessions of one person lie
// in one shard, so that a store can list and revoke them in one place.
func ShardOf(userID int64) uint16 {
	// splitmix64's finisher: neighbouring ids land far apart.
	x := uint64(userID) + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return uint16(x ^ x>>31)
}

func decodeExactly(dst []byte, text string) error {
	if len(text) != encoding.EncodedLen(len(dst)) {
		return ErrMalformed
	}
	// The decoder skips CR and LF, so a text with them comes out short.
	n, err := encoding.Decode(dst, []byte(text))
	if err != nil || n != len(dst) {
		return ErrMalformed
	}
	return nil
}
