package redis

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"example.com/sidegate/sessionstore"
)

// sessionKey is the Redis key of a session.
func (st *Store) sessionKey(key sessionstore.Key) string {
	return st.memberKey(key.Shard, member(key))
}

// indexKey is the Redis key of the index of a person's sessions.
func (st *Store) indexKey(userID int64) string {
	return st.slot(sessionstore.ShardOf(userID)) + "u:" + strconv.FormatInt(userID, 10)
}

// bucketKey is the Redis key of a bucket of attempts.
func (st *Store) bucketKey(bucket string) string { return st.nameKey("t:", bucket) }

// leaseKey is the Redis key of a lease.
func (st *Store) leaseKey(name string) string { return st.nameKey("h:", name) }

// linksKey is the Redis key of the sessions that are linked to a name.
func (st *Store) linksKey(name string) string { return st.nameKey("l:", name) }

// numberKey is the Redis key of the number of a name.
func (st *Store) numberKey(name string) string { return st.nameKey("n:", name) }

// ownerKey is the Redis key of whose number that is.
func (st *Store) ownerKey(n int64) string {
	return st.slot(sessionstore.ShardOf(n)) + "o:" + strconv.FormatInt(n, 10)
}

// personKey is the Redis key of whom a person's number belongs to, in the slot of
// their sessions.
func (st *Store) personKey(userID int64) string {
	return st.slot(sessionstore.ShardOf(userID)) + "w:" + strconv.FormatInt(userID, 10)
}

// counterKey is the Redis key of the last number that was tried.
func (st *Store) counterKey() string { return st.slot(0) + "c" }

// outagesKey is the Redis key of when the server could not be written that has
// the slot of that shard.
func (st *Store) outagesKey(shard uint16) string { return st.slot(shard) + "b" }

// nameKey is the Redis key of a kind for a name, which holds email and network
// addresses or what somebody else calls a person, and may be of any length:
// only its hash is shown to Redis.
func (st *Store) nameKey(kind, name string) string {
	sum := sha256.Sum256([]byte(name))
	return st.slot(binary.BigEndian.Uint16(sum[:])) + kind + base64.RawURLEncoding.EncodeToString(sum[:])
}

// hashOf stands for a name or a holder in a value.
func hashOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// slot begins a key with its shard in braces: only what is in braces decides
// on the slot in Redis Cluster.
func (st *Store) slot(shard uint16) string {
	var room [64]byte
	return string(st.appendSlot(room[:0], shard))
}

func (st *Store) appendSlot(b []byte, shard uint16) []byte {
	b = append(append(b, st.prefix...), '{')
	b = hex.AppendEncode(b, []byte{byte(shard >> 8), byte(shard)})
	return append(b, "}:"...)
}

// globbed is the store's prefix in a pattern of Redis, for which it stands and for
// nothing else.
func (st *Store) globbed() string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(st.prefix)
}

// partsOf takes a Redis key of that kind apart: the shard, and what is behind the
// kind. False: it is none of the store's.
func (st *Store) partsOf(key, kind string) (shard uint16, rest string, ok bool) {
	key, ok = strings.CutPrefix(key, st.prefix+"{")
	if !ok || len(key) < len("0000}:")+len(kind) || key[4:6] != "}:" {
		return 0, "", false
	}
	n, err := strconv.ParseUint(key[:4], 16, 16)
	rest, ok = strings.CutPrefix(key[6:], kind)
	return uint16(n), rest, ok && err == nil
}

// keyOf is the session of a Redis key.
func (st *Store) keyOf(key string) (sessionstore.Key, bool) {
	shard, rest, ok := st.partsOf(key, "s:")
	hash, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if !ok || err != nil || len(hash) != sha256.Size {
		return sessionstore.Key{}, false
	}
	return sessionstore.Key{Shard: shard, Hash: [sha256.Size]byte(hash)}, true
}

// member is how a session is named in its person's index: the 32 bytes of its
// hash. The shard need not be said: it is the person's.
func member(key sessionstore.Key) string { return string(key.Hash[:]) }

// memberKey is the Redis key of the session that member names. A member that
// is no hash names nothing that exists, and so leaves its index like all
// those whose session has gone.
func (st *Store) memberKey(shard uint16, member string) string {
	var room [128]byte // a look-up is to make one text of it, and nothing on the way
	b := append(st.appendSlot(room[:0], shard), "s:"...)
	return string(base64.RawURLEncoding.AppendEncode(b, []byte(member)))
}
