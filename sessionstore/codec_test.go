package sessionstore

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func codecSession() *Session {
	at := time.Unix(1700000000, 123456789).UTC()
	return (&Session{
		User: UserSession{
			ID: 42, Email: "ada@example.com", CreatedAt: &at,
			PrimaryAccount: &Account{AccountID: "acme", UsersPrimaryAccount: true},
			Accounts:       []Account{{AccountID: "acme", UsersPrimaryAccount: true}, {AccountID: "globex"}},
			FlatRolesList:  []string{"admin"}, FlatPermissionsList: []string{"a:b", "c:d"},
		},
		Method: "users", CreatedAt: at, ExpiresAt: at.Add(time.Hour), IdleTimeout: time.Minute,
		SourceSession: "sid", FormerSources: []string{"before"}, Username: "ada", Name: "Ada", Kept: "kept", BuiltAt: at,
		Attributes: map[string]string{"b": "2", "a": "1", "": "", "none": ""},
	}).Clone()
}

// decoded is the session as the codec keeps it, without its header.
func decoded(s *Session) *Session {
	c := s.Clone()
	c.Key, c.Version, c.LastSeenAt = Key{}, 0, time.Time{}
	return c
}

func TestDecodeSession(t *testing.T) {
	s := codecSession()
	plain := appendSession(nil, s)
	t.Run("fields of a newer gateway are skipped, wherever they stand", func(t *testing.T) {
		newer := appendField(nil, 0, "new in the session")
		newer = appendField(newer, 1<<40, "new in the person")
		newer = append(newer, plain...)
		row := appendField(appendText(nil, tagAccountID, "hooli"), 77, "new in the account")
		newer = appendField(appendField(newer, tagAccount, row), math.MaxUint64, "")
		row = appendField(appendField(nil, 77, "new in the attribute"), tagAttributeName, "newer")
		newer = appendField(newer, tagAttribute, row)
		want := decoded(s)
		want.Attributes["newer"] = ""
		want.User.Accounts = append(want.User.Accounts, Account{AccountID: "hooli"})
		if got, ok := decodeSession(string(newer)); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v\nwant %+v", got, ok, want)
		}
	})
	t.Run("a session with nothing in it takes no byte", func(t *testing.T) {
		if b := appendSession(nil, &Session{}); len(b) != 0 {
			t.Errorf("it takes % x", b)
		}
	})
	t.Run("a text cut anywhere is refused or has fewer fields, and never panics", func(t *testing.T) {
		for end := range plain {
			got, ok := decodeSession(string(plain[:end]))
			if ok && reflect.DeepEqual(got, decoded(s)) {
				t.Errorf("%d of %d bytes give the whole session", end, len(plain))
			}
		}
	})
	for name, text := range map[string]string{
		"a length beyond the end":               "\x01\x05abc",
		"a length beyond all memory":            "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"a number of more than 64 bits":         "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
		"a number without an end":               "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"a tag without a length":                "\x01",
		"an id without digits":                  "\x10\x00",
		"an id with something behind it":        "\x10\x02\x02\x02",
		"a moment without digits":               "\x06\x00",
		"a date without its nanoseconds":        "\x14\x01\x02",
		"a date with too many nanoseconds":      "\x14\x06\x02\xff\xff\xff\xff\x0f",
		"an account that breaks off":            "\x17\x02\x01\x05",
		"a primary account that breaks off":     "\x16\x01\x01",
		"an idle timeout with an open last bit": "\x08\x01\x80",
		"an attribute that breaks off":          "\x0b\x02\x01\x05",
		"a moment of building without digits":   "\x0d\x00",
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			if got, ok := decodeSession(text); ok || got != nil {
				t.Errorf("it is read as %+v", got)
			}
		})
	}
}

// TestTags: a tag that changed its meaning would make other people of those
// who are signed in.
func TestTags(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want func(s *Session)
	}{
		"method":         {"\x01\x01x", func(s *Session) { s.Method = "x" }},
		"subject":        {"\x02\x01x", func(s *Session) { s.Subject = "x" }},
		"chosen account": {"\x03\x01x", func(s *Session) { s.ChosenAccount = "x" }},
		"address":        {"\x04\x01x", func(s *Session) { s.Address = "x" }},
		"user agent":     {"\x05\x01x", func(s *Session) { s.UserAgent = "x" }},
		"created at":     {"\x06\x01\x02", func(s *Session) { s.CreatedAt = time.UnixMilli(1).UTC() }},
		"expires at":     {"\x07\x01\x02", func(s *Session) { s.ExpiresAt = time.UnixMilli(1).UTC() }},
		"idle timeout":   {"\x08\x01\x02", func(s *Session) { s.IdleTimeout = 1 }},
		"source session": {"\x09\x01x", func(s *Session) { s.SourceSession = "x" }},
		"former source":  {"\x1a\x01x\x1a\x01y", func(s *Session) { s.FormerSources = []string{"x", "y"} }},
		"name":           {"\x0a\x01x", func(s *Session) { s.Name = "x" }},
		"attribute":      {"\x0b\x06\x01\x01x\x02\x01y", func(s *Session) { s.Attributes = map[string]string{"x": "y"} }},
		"kept":           {"\x0c\x01x", func(s *Session) { s.Kept = "x" }},
		"built at":       {"\x0d\x01\x02", func(s *Session) { s.BuiltAt = time.UnixMilli(1).UTC() }},
		"unmapped":       {"\x0e\x00", func(s *Session) { s.Unmapped = true }},
		"grounds": {"\x0f\x0c\x01\x01p\x02\x01r\x03\x01x\x04\x01y", func(s *Session) {
			s.Grounds = &Grounds{Password: "p", Rules: "r", Roles: []string{"x"}, Permissions: []string{"y"}}
		}},
		"grounds of nothing": {"\x0f\x00", func(s *Session) { s.Grounds = new(Grounds) }},
		"user id":            {"\x10\x01\x02", func(s *Session) { s.User.ID = 1 }},
		"email":              {"\x11\x01x", func(s *Session) { s.User.Email = "x" }},
		"created by":         {"\x12\x01x", func(s *Session) { s.User.CreatedBy = "x" }},
		"updated by":         {"\x13\x01x", func(s *Session) { s.User.UpdatedBy = "x" }},
		"account":            {"\x17\x05\x01\x01x\x04\x00", func(s *Session) { s.User.Accounts = []Account{{AccountID: "x", AccountAdmin: true}} }},
		"role":               {"\x18\x01x", func(s *Session) { s.User.FlatRolesList = []string{"x"} }},
		"permission":         {"\x19\x01x", func(s *Session) { s.User.FlatPermissionsList = []string{"x"} }},
	} {
		t.Run("the tag of the "+name+" is fixed", func(t *testing.T) {
			s := &Session{}
			c.want(s)
			if got := appendSession(nil, s); string(got) != c.text {
				t.Errorf("it is written % x; want % x", got, c.text)
			}
			if got, ok := decodeSession(c.text); !ok || !reflect.DeepEqual(got, decoded(s)) {
				t.Errorf("it is read as %+v, %v", got, ok)
			}
		})
	}
}

// TestEqualSessionsAreEqualBytes: maps have no order, and a record must not
// differ for that.
func TestEqualSessionsAreEqualBytes(t *testing.T) {
	names := strings.Fields("alpha beta gamma delta epsilon zeta eta theta iota kappa")
	want := ""
	for round := range 50 {
		s := codecSession()
		for i := range names {
			name := names[(i+round)%len(names)]
			s.Attributes[name] = "of " + name
		}
		got := string(appendSession(nil, s))
		if want == "" {
			want = got
		}
		if got != want {
			t.Fatalf("round %d gives\n% x\nnot\n% x", round, got, want)
		}
	}
}

// TestKeyIDCollision: four bytes of key id may agree for two keys, which is
// then found out by trying both.
func TestKeyIDCollision(t *testing.T) {
	sl, err := NewSealer(bytes.Repeat([]byte{'a'}, 32), bytes.Repeat([]byte{'b'}, 32))
	if err != nil {
		t.Fatal(err)
	}
	sl.keys[1].id = sl.keys[0].id
	s := codecSession()
	former := &Sealer{keys: sl.keys[1:]}
	if _, err := sl.Open(s.Key, former.Seal(s)); err != nil {
		t.Error(err)
	}
}

// TestSealedNonsense: what opens is still read with care.
func TestSealedNonsense(t *testing.T) {
	sl, err := NewSealer(bytes.Repeat([]byte{'a'}, 32))
	if err != nil {
		t.Fatal(err)
	}
	s := codecSession()
	header := sl.Seal(s)[:recordSealedAt]
	for _, plain := range []string{"\x01", "\x01\x05abc", "\x10\x00"} {
		record := sl.keys[0].aead.Seal(bytes.Clone(header), nil, []byte(plain), bound(s.Key, header))
		if got, err := sl.Open(s.Key, record[:len(record):len(record)]); !errors.Is(err, ErrCorrupt) || got != nil {
			t.Errorf("%q is opened as %+v, %v", plain, got, err)
		}
	}
}

func FuzzDecodeSession(f *testing.F) {
	f.Add("")
	f.Add(string(appendSession(nil, codecSession())))
	f.Add("\x17\x05\x01\x01x\x04\x00")
	f.Add("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")
	f.Add(strings.Repeat("\x17\x00", 1000))
	f.Add("\x09\x01x\x0a\x01y\x0c\x01z\x0d\x01\x02")
	f.Add("\x0b\x06\x01\x01x\x02\x01y\x0b\x00\x0b\x03\x01\x01x")
	f.Add("\x0d\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	f.Add(strings.Repeat("\x0b\x00", 1000))
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := decodeSession(text)
		if !ok {
			return
		}
		n := len(s.User.Accounts) + len(s.User.FlatRolesList) + len(s.User.FlatPermissionsList) + len(s.Attributes)
		if n > len(text)/2 {
			t.Fatalf("%d bytes give %d elements", len(text), n)
		}
		written := string(appendSession(nil, s))
		if written != string(appendSession(nil, s.Clone())) {
			t.Fatalf("a copy of %+v is written as other bytes", s)
		}
		again, ok := decodeSession(written)
		if !ok || !reflect.DeepEqual(s, again) {
			t.Errorf("what was read\n%+v\nis written as\n%+v, %v", s, again, ok)
		}
	})
}
