package adminapi

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"net/http"

	"example.com/sidegate/sessionstore"
)

// cursor is a place among sessions, the newest of which come first: behind one that
// began then and has that public name.
type cursor struct {
	at int64 // Unix milliseconds
	id [idSize]byte
}

const (
	cursorFormat = 1
	cursorSize   = 1 + 8 + idSize
)

// cursorOf is the place of a session.
func cursorOf(s *sessionstore.Session) cursor {
	return cursor{s.CreatedAt.UnixMilli(), [idSize]byte(s.Key.Hash[:idSize])}
}

func (c cursor) compare(other cursor) int {
	return cmp.Or(cmp.Compare(other.at, c.at), bytes.Compare(c.id[:], other.id[:]))
}

// String is what a client is given, to come back with.
func (c cursor) String() string {
	b := binary.BigEndian.AppendUint64([]byte{cursorFormat}, uint64(c.at))
	return encoding.EncodeToString(append(b, c.id[:]...))
}

func parseCursor(text string) (c cursor, ok bool) {
	var b [cursorSize]byte
	if !decode(b[:], text) || b[0] != cursorFormat {
		return c, false
	}
	return cursor{int64(binary.BigEndian.Uint64(b[1:])), [idSize]byte(b[9:])}, true
}

// cursor reads where a page begins; nil: at the newest.
func (c *call) cursor() (*cursor, error) {
	text, given := c.query["cursor"]
	if !given {
		return nil, nil
	}
	from, ok := parseCursor(text)
	if !ok {
		return nil, fault(http.StatusBadRequest, "the cursor is none that was given out: take it as it is from the page before, or leave it out to begin at the newest")
	}
	return &from, nil
}
