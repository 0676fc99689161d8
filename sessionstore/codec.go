package sessionstore

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"time"
)

// The sealed part of a record is a row of fields: tag, length, bytes, the
// first two as uvarints. Zero values are left out, a list is its tag again and
// again, an account is a row of its own. Unknown tags are skipped, so that an
// older gateway reads what a newer one wrote; hence a tag is never used again
// for something else.
const (
	tagMethod        = 1
	tagSubject       = 2
	tagChosenAccount = 3
	tagAddress       = 4
	tagUserAgent     = 5
	tagCreatedAt     = 6
	tagExpiresAt     = 7
	tagIdleTimeout   = 8
	tagSourceSession = 9
	tagName          = 10
	tagAttribute     = 11
	tagKept          = 12
	tagBuiltAt       = 13
	tagUnmapped      = 14
	tagGrounds       = 15

	tagUserID         = 16
	tagEmail          = 17
	tagCreatedBy      = 18
	tagUpdatedBy      = 19
	tagUserCreatedAt  = 20
	tagUserUpdatedAt  = 21
	tagPrimaryAccount = 22
	tagAccount        = 23
	tagRole           = 24
	tagPermission     = 25

	tagFormerSource = 26
	tagUsername     = 27
)

// Tags within an account.
const (
	tagAccountID      = 1
	tagAccountName    = 2
	tagAccountPrimary = 3
	tagAccountAdmin   = 4
)

// Tags within an attribute.
const (
	tagAttributeName  = 1
	tagAttributeValue = 2
)

func appendSession(b []byte, s *Session) []byte {
	b = appendText(b, tagMethod, s.Method)
	b = appendText(b, tagSubject, s.Subject)
	b = appendText(b, tagChosenAccount, s.ChosenAccount)
	b = appendText(b, tagAddress, s.Address)
	b = appendText(b, tagUserAgent, s.UserAgent)
	b = appendMoment(b, tagCreatedAt, s.CreatedAt)
	b = appendMoment(b, tagExpiresAt, s.ExpiresAt)
	b = appendNumber(b, tagIdleTimeout, int64(s.IdleTimeout))
	b = appendText(b, tagSourceSession, s.SourceSession)
	for _, former := range s.FormerSources {
		b = appendField(b, tagFormerSource, former)
	}
	b = appendText(b, tagUsername, s.Username)
	b = appendText(b, tagName, s.Name)
	b = appendAttributes(b, s.Attributes)
	b = appendText(b, tagKept, s.Kept)
	b = appendMoment(b, tagBuiltAt, s.BuiltAt)
	b = appendFlag(b, tagUnmapped, s.Unmapped)
	b = appendGrounds(b, s.Grounds)
	return appendUser(b, &s.User)
}

// appendAttributes writes them in order of their names, so that equal sessions
// are equal bytes.
func appendAttributes(b []byte, attributes map[string]string) []byte {
	if len(attributes) == 0 {
		return b // most have none, and need not pay for sorting
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		var room [128]byte
		row := appendField(room[:0], tagAttributeName, name)
		b = appendField(b, tagAttribute, appendText(row, tagAttributeValue, attributes[name]))
	}
	return b
}

// appendUser leaves Token out: it is a credential, and made anew for each answer.
func appendUser(b []byte, u *UserSession) []byte {
	b = appendNumber(b, tagUserID, u.ID)
	b = appendText(b, tagEmail, u.Email)
	b = appendText(b, tagCreatedBy, u.CreatedBy)
	b = appendText(b, tagUpdatedBy, u.UpdatedBy)
	b = appendDate(b, tagUserCreatedAt, u.CreatedAt)
	b = appendDate(b, tagUserUpdatedAt, u.UpdatedAt)
	if u.PrimaryAccount != nil {
		b = appendAccount(b, tagPrimaryAccount, u.PrimaryAccount)
	}
	for i := range u.Accounts {
		b = appendAccount(b, tagAccount, &u.Accounts[i])
	}
	for _, role := range u.FlatRolesList {
		b = appendField(b, tagRole, role)
	}
	for _, permission := range u.FlatPermissionsList {
		b = appendField(b, tagPermission, permission)
	}
	return b
}

func appendAccount(b []byte, tag uint64, a *Account) []byte {
	var room [128]byte
	row := appendText(room[:0], tagAccountID, a.AccountID)
	row = appendText(row, tagAccountName, a.AccountName)
	row = appendFlag(row, tagAccountPrimary, a.UsersPrimaryAccount)
	row = appendFlag(row, tagAccountAdmin, a.AccountAdmin)
	return appendField(b, tag, row)
}

func appendField[T string | []byte](b []byte, tag uint64, value T) []byte {
	b = binary.AppendUvarint(b, tag)
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(b, value...)
}

func appendText(b []byte, tag uint64, text string) []byte {
	if text == "" {
		return b
	}
	return appendField(b, tag, text)
}

// appendFlag writes true as a field without bytes.
func appendFlag(b []byte, tag uint64, flag bool) []byte {
	if !flag {
		return b
	}
	return appendField(b, tag, "")
}

func appendNumber(b []byte, tag uint64, n int64) []byte {
	if n == 0 {
		return b
	}
	var room [binary.MaxVarintLen64]byte
	return appendField(b, tag, binary.AppendVarint(room[:0], n))
}

// appendMoment keeps a time to the millisecond. The epoch is a time like any
// other; only the zero time is left out.
func appendMoment(b []byte, tag uint64, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	var room [binary.MaxVarintLen64]byte
	return appendField(b, tag, binary.AppendVarint(room[:0], t.UnixMilli()))
}

// appendDate keeps a time to the nanosecond, for it is not ours to round.
func appendDate(b []byte, tag uint64, t *time.Time) []byte {
	if t == nil {
		return b
	}
	var room [2 * binary.MaxVarintLen64]byte
	row := binary.AppendVarint(room[:0], t.Unix())
	return appendField(b, tag, binary.AppendUvarint(row, uint64(t.Nanosecond())))
}

// fields reads a row of fields; bad says that it broke off in the middle. It
// moves an offset on rather than the text, which spares the garbage collector.
type fields struct {
	text string
	at   int
	bad  bool
}

func (f *fields) next() (tag uint64, value string, ok bool) {
	if f.at == len(f.text) {
		return 0, "", false
	}
	tag, size := f.uvarint(), f.uvarint()
	if f.bad || size > uint64(len(f.text)-f.at) {
		f.bad = true
		return 0, "", false
	}
	start := f.at
	f.at += int(size)
	return tag, f.text[start:f.at], true
}

// uvarint is binary.Uvarint for a string, which need not be copied for it.
func (f *fields) uvarint() uint64 {
	var n uint64
	for i := 0; f.at+i < len(f.text) && i < binary.MaxVarintLen64; i++ {
		c := f.text[f.at+i]
		if i == binary.MaxVarintLen64-1 && c > 1 {
			break // more than 64 bits
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			f.at += i + 1
			return n
		}
	}
	f.bad = true
	return 0
}

// varint undoes binary.AppendVarint.
func (f *fields) varint() int64 {
	u := f.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// done reports whether the row was read to its end without a fault.
func (f *fields) done() bool { return !f.bad && f.at == len(f.text) }

func parseNumber(value string) (int64, bool) {
	f := fields{text: value}
	n := f.varint()
	return n, f.done()
}

func parseMoment(value string) (time.Time, bool) {
	ms, ok := parseNumber(value)
	return time.UnixMilli(ms).UTC(), ok
}

// parseDate puts it where at points, or makes the room.
func parseDate(at **time.Time, value string) bool {
	f := fields{text: value}
	seconds, nanos := f.varint(), f.uvarint()
	if !f.done() || nanos > math.MaxInt32 {
		return false
	}
	if *at == nil {
		*at = new(time.Time)
	}
	**at = time.Unix(seconds, int64(nanos)).UTC()
	return true
}
