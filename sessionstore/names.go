package sessionstore

import (
	"encoding/binary"
	"sync"
)

// names are the roles and permissions of a session. They follow from what
// somebody is, so thousands of people have the same: sessions share them, in
// memory and in the work of reading them.
type names struct{ roles, permissions []string }

const (
	// maxNames bounds how many different ones are remembered. Beyond it all of
	// them are forgotten: sessions that have some keep theirs.
	maxNames = 4096
	// maxNamesText is the longest row, in bytes, that is worth remembering;
	// 64 MiB in all, if every one were that long and nobody's but one person's.
	maxNamesText = 16 << 10
)

// namesCache remembers names by the row of fields that they were read from.
// They are handed out again and again, so they are never changed.
type namesCache struct {
	mu    sync.RWMutex
	known map[string]names
}

// of reads a row that has nothing but roles and permissions; false when there
// is anything else in it.
func (nc *namesCache) of(row []byte) (names, bool) {
	nc.mu.RLock()
	n, ok := nc.known[string(row)]
	nc.mu.RUnlock()
	if ok {
		return n, true
	}
	text := string(row)
	if n, ok = parseNames(text); ok && len(text) <= maxNamesText {
		nc.remember(text, n)
	}
	return n, ok
}

func (nc *namesCache) remember(text string, n names) {
	nc.mu.Lock()
	defer nc.mu.Unlock()
	if nc.known == nil || len(nc.known) >= maxNames {
		nc.known = make(map[string]names)
	}
	nc.known[text] = n
}

func parseNames(text string) (names, bool) {
	var u UserSession
	makeLists(&u, text)
	f := fields{text: text}
	for tag, value, ok := f.next(); ok; tag, value, ok = f.next() {
		if tag != tagRole && tag != tagPermission {
			return names{}, false
		}
		u.decode(tag, value)
	}
	return names{u.FlatRolesList, u.FlatPermissionsList}, !f.bad
}

// namesBegin is where the first role or permission of a row of fields begins,
// or its end; appendUser writes them last.
func namesBegin(plain []byte) int {
	for at := 0; at < len(plain); {
		tag, n := binary.Uvarint(plain[at:])
		size, m := binary.Uvarint(plain[at+max(n, 0):])
		if n <= 0 || m <= 0 || size > uint64(len(plain)-at-n-m) {
			return len(plain) // decodeSession says what is wrong
		}
		if tag == tagRole || tag == tagPermission {
			return at
		}
		at += n + m + int(size)
	}
	return len(plain)
}

// decode is decodeSession with names that are shared. A newer gateway may
// write fields behind them; such a record is read as a whole.
func (nc *namesCache) decode(plain []byte) (*Session, bool) {
	at := namesBegin(plain)
	shared, ok := nc.of(plain[at:])
	if !ok {
		return decodeSession(string(plain))
	}
	s, ok := decodeSession(string(plain[:at]))
	if ok {
		s.User.FlatRolesList, s.User.FlatPermissionsList = shared.roles, shared.permissions
	}
	return s, ok
}
