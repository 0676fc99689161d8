package sessionstore_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/storetest"
)

// fullSession is a session with something in every field, the same each time
// but for its key.
func fullSession() *sessionstore.Session {
	joined, changed := noon.Add(-99*time.Hour+123456789), noon.Add(-time.Nanosecond)
	primary := sessionstore.Account{AccountID: "acme", AccountName: "Acme Ltd", UsersPrimaryAccount: true, AccountAdmin: true}
	return &sessionstore.Session{
		Key: sessionstore.NewSecret(42).Key(),
		User: sessionstore.UserSession{
			ID: 42, Email: "ada@example.com", CreatedBy: "ops@example.com", UpdatedBy: "Grace",
			CreatedAt: &joined, UpdatedAt: &changed, PrimaryAccount: &primary,
			Accounts:            []sessionstore.Account{primary, {AccountID: "globex", AccountName: "Globex"}},
			FlatRolesList:       []string{"admin", "editor"},
			FlatPermissionsList: []string{"reports:run", "users:write"},
		},
		Method: "users", Subject: "subject-42", ChosenAccount: "acme",
		SourceSession: "sid-7", FormerSources: []string{"sid-5", "sid-6"}, Username: "ada", Name: "Ada Lovelace", Kept: "a refresh token",
		Attributes: map[string]string{"department": "engines", "cost centre": "7", "empty": ""},
		BuiltAt:    noon.Add(-time.Second),
		Grounds: &sessionstore.Grounds{
			Password: "digest", Source: "who", Rules: "new", Roles: []string{"admin"}, Permissions: []string{"reports:run"},
			Earlier: []sessionstore.Build{{
				Rules: "old", BuiltAt: noon.Add(-time.Minute), Unmapped: true, Outdated: true, Username: "al", Name: "Ada", Attributes: map[string]string{"a": "b"},
				User: sessionstore.UserSession{
					ID: 42, Email: "ada@example.org", CreatedAt: &joined, PrimaryAccount: &primary, Accounts: []sessionstore.Account{primary},
					FlatRolesList: []string{"viewer"}, FlatPermissionsList: []string{},
				},
			}},
		},
		Address: "192.0.2.1", UserAgent: "Browser/1.0",
		CreatedAt: noon, ExpiresAt: noon.Add(12 * time.Hour), IdleTimeout: time.Hour + 1,
		LastSeenAt: noon.Add(time.Minute + 7*time.Millisecond), Version: 3,
	}
}

// sessions are sessions at the edges of what may be kept.
func sessions() map[string]*sessionstore.Session {
	edit := func(f func(s *sessionstore.Session)) *sessionstore.Session {
		s := fullSession()
		f(s)
		return s
	}
	return map[string]*sessionstore.Session{
		"a session with everything in it": fullSession(),
		"a session with nothing in it":    {},
		"texts with every kind of byte": edit(func(s *sessionstore.Session) {
			s.UserAgent = "\x00\xff\r\nö日本" + strings.Repeat("x", 100_000)
			s.User.FlatRolesList = []string{"", "", "a\x00b"}
			s.User.Accounts = []sessionstore.Account{{}, {AccountAdmin: true}, {AccountID: strings.Repeat("i", 500)}}
		}),
		"numbers at their limits": edit(func(s *sessionstore.Session) {
			s.Version, s.User.ID, s.IdleTimeout = math.MaxUint64, math.MaxInt64, math.MinInt64
		}),
		"a negative person": edit(func(s *sessionstore.Session) { s.User.ID = math.MinInt64 }),
		"times at and before the epoch": edit(func(s *sessionstore.Session) {
			s.CreatedAt, s.ExpiresAt, s.LastSeenAt = time.UnixMilli(0), time.UnixMilli(-1), time.UnixMilli(-5000)
			epoch, year1 := time.Unix(0, 0), time.Time{}
			s.User.CreatedAt, s.User.UpdatedAt = &epoch, &year1
		}),
		"times of another zone and with a monotonic clock": edit(func(s *sessionstore.Session) {
			here := time.Now()
			s.CreatedAt, s.User.CreatedAt = noon.In(time.FixedZone("x", 3600)), &here
		}),
		"attributes with every kind of byte": edit(func(s *sessionstore.Session) {
			s.Attributes = map[string]string{"": "", "\x00\xff": "\r\n", "ö": strings.Repeat("日", 10_000), strings.Repeat("n", 500): "x"}
			s.Kept, s.Name = strings.Repeat("\x00", 5000), "\xff\xfe"
		}),
		"attributes of which there are none": edit(func(s *sessionstore.Session) { s.Attributes = map[string]string{} }),
		"a session that no source has built": edit(func(s *sessionstore.Session) {
			s.SourceSession, s.Name, s.Kept, s.Attributes, s.BuiltAt = "", "", "", nil, time.Time{}
		}),
		"a session that was built at the epoch": edit(func(s *sessionstore.Session) { s.BuiltAt = time.UnixMilli(0).In(time.FixedZone("x", 60)) }),
		"thousands of permissions": edit(func(s *sessionstore.Session) {
			for i := range 5000 {
				s.User.FlatPermissionsList = append(s.User.FlatPermissionsList, fmt.Sprint("permission:", i))
			}
		}),
	}
}

func TestNewSealer(t *testing.T) {
	good := make([]byte, sessionstore.SealingKeySize)
	for name, keys := range map[string][][]byte{
		"no key":              nil,
		"an empty key":        {nil},
		"a key too short":     {good[:31]},
		"a key too long":      {append(good[:32:32], 0)},
		"a bad key behind it": {good, good[:16]},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			if sl, err := sessionstore.NewSealer(keys...); err == nil || sl != nil {
				t.Errorf("answers %v, %v; want an error", sl, err)
			}
		})
	}
	t.Run("keys are copied", func(t *testing.T) {
		key := bytes.Repeat([]byte{'k'}, 32)
		sealer, err := sessionstore.NewSealer(key)
		if err != nil {
			t.Fatal(err)
		}
		clear(key)
		s := fullSession()
		if _, err := storetest.NewSealer(t, 'k').Open(s.Key, sealer.Seal(s)); err != nil {
			t.Error(err)
		}
	})
	t.Run("a sealer does not print its keys", func(t *testing.T) {
		sealer := storetest.NewSealer(t, 'k')
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			if out := fmt.Sprintf(verb, sealer); out != "[sealer]" {
				t.Errorf("%s prints %s", verb, out)
			}
		}
	})
}

func TestSealAndOpen(t *testing.T) {
	sealer := storetest.NewSealer(t, 'k')
	for name, s := range sessions() {
		t.Run(name+" comes back equal", func(t *testing.T) {
			got, err := sealer.Open(s.Key, sealer.Seal(s))
			if err != nil {
				t.Fatal(err)
			}
			if want := s.Clone(); !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%+v\nwant\n%+v", got, want)
			}
		})
	}
	t.Run("a session in its kept form comes back field by field", func(t *testing.T) {
		// Beside Clone, which might forget a field just as the codec might.
		s := fullSession()
		if got, err := sealer.Open(s.Key, sealer.Seal(s)); err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, s)
		}
	})
	t.Run("the token and nothing else is left out", func(t *testing.T) {
		s := fullSession()
		plain := len(sealer.Seal(s))
		s.User.Token = strings.Repeat("credential", 100)
		record := sealer.Seal(s)
		got, err := sealer.Open(s.Key, record)
		if err != nil || got.User.Token != "" || len(record) != plain {
			t.Errorf("the token is %q, %v, in %d bytes; want none in %d", got.User.Token, err, len(record), plain)
		}
	})
	t.Run("lists that come back can be appended to without harm", func(t *testing.T) {
		s := fullSession()
		got, err := sealer.Open(s.Key, sealer.Seal(s))
		if err != nil {
			t.Fatal(err)
		}
		_ = append(got.User.FlatRolesList, "root")
		if got.User.FlatPermissionsList[0] != "reports:run" {
			t.Error("a role was written over a permission")
		}
	})
	t.Run("nothing of the person is readable in a record", func(t *testing.T) {
		record := sealer.Seal(fullSession())
		for _, text := range []string{"ada@", "Acme", "admin", "reports", "192.0", "Browser", "users", "refresh", "sid-7", "Lovelace", "engines"} {
			if bytes.Contains(record, []byte(text)) {
				t.Errorf("%q stands in the record", text)
			}
		}
	})
	t.Run("two records of one session have nothing sealed in common", func(t *testing.T) {
		s := fullSession()
		one, two := sealer.Seal(s), sealer.Seal(s)
		if bytes.Equal(one[21:33], two[21:33]) || bytes.Equal(one[33:], two[33:]) {
			t.Error("a nonce came twice")
		}
	})
	t.Run("a sealer works for many at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 50 {
					s := fullSession()
					if _, err := sealer.Open(s.Key, sealer.Seal(s)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestOpenRefuses(t *testing.T) {
	sealer := storetest.NewSealer(t, 'k')
	s := fullSession()
	record := sealer.Seal(s)
	cases := []struct {
		name   string
		change func(r []byte) []byte
		want   error
	}{
		{"nothing", func([]byte) []byte { return nil }, sessionstore.ErrCorrupt},
		{"a text", func([]byte) []byte { return []byte("hello") }, sessionstore.ErrCorrupt},
		{"JSON", func([]byte) []byte { return []byte(`{"id":1,"email":"ada@example.com","accounts":[]}`) }, sessionstore.ErrCorrupt},
		{"zeros", func(r []byte) []byte { return make([]byte, len(r)) }, sessionstore.ErrCorrupt},
		{"a header alone", func(r []byte) []byte { return r[:33] }, sessionstore.ErrCorrupt},
		{"a record that lost its last byte", func(r []byte) []byte { return r[:len(r)-1] }, sessionstore.ErrCorrupt},
		{"a record with a byte too many", func(r []byte) []byte { return append(r, 0) }, sessionstore.ErrCorrupt},
		{"a record whose version was raised", func(r []byte) []byte { r[8]++; return r }, sessionstore.ErrCorrupt},
		{"a record of the next format", func(r []byte) []byte { r[0] = 2; return r }, sessionstore.ErrFormat},
		{"a short record of the next format", func([]byte) []byte { return []byte{2} }, sessionstore.ErrFormat},
		{"a record with another key id", func(r []byte) []byte { r[17] ^= 1; return r }, sessionstore.ErrUnknownKey},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			changed := c.change(bytes.Clone(record))
			got, err := sealer.Open(s.Key, changed)
			if !errors.Is(err, c.want) || got != nil {
				t.Fatalf("answers %v, %v; want %v", got, err, c.want)
			}
			if errors.Is(err, sessionstore.ErrNotFound) {
				t.Error("cannot tell is taken for no session")
			}
		})
	}
	t.Run("a record moved to another key of the same person", func(t *testing.T) {
		if _, err := sealer.Open(sessionstore.NewSecret(42).Key(), record); !errors.Is(err, sessionstore.ErrCorrupt) {
			t.Errorf("error is %v; want ErrCorrupt", err)
		}
	})
	t.Run("a record moved to another shard", func(t *testing.T) {
		key := s.Key
		key.Shard ^= 1
		if _, err := sealer.Open(key, record); !errors.Is(err, sessionstore.ErrCorrupt) {
			t.Errorf("error is %v; want ErrCorrupt", err)
		}
	})
	t.Run("a record with the sealed part of another", func(t *testing.T) {
		other := fullSession()
		mixed := append(bytes.Clone(record[:21]), sealer.Seal(other)[21:]...)
		if _, err := sealer.Open(s.Key, mixed); !errors.Is(err, sessionstore.ErrCorrupt) {
			t.Errorf("error is %v; want ErrCorrupt", err)
		}
	})
	t.Run("every single bit outside last seen", func(t *testing.T) {
		for i := range record {
			for bit := range 8 {
				changed := bytes.Clone(record)
				changed[i] ^= 1 << bit
				_, err := sealer.Open(s.Key, changed)
				if lastSeen := i >= 9 && i < 17; (err == nil) != lastSeen {
					t.Fatalf("byte %d changed: error is %v", i, err)
				}
			}
		}
	})
}

func TestKeyRotation(t *testing.T) {
	s := fullSession()
	former, present := storetest.NewSealer(t, 'a'), storetest.NewSealer(t, 'b', 'a')
	t.Run("what a former secret sealed still opens", func(t *testing.T) {
		record := former.Seal(s)
		if _, err := present.Open(s.Key, record); err != nil {
			t.Error(err)
		}
	})
	t.Run("the first secret seals", func(t *testing.T) {
		record := present.Seal(s)
		if _, err := storetest.NewSealer(t, 'b').Open(s.Key, record); err != nil {
			t.Error(err)
		}
	})
	t.Run("what an unknown secret sealed tells the operator what to add", func(t *testing.T) {
		_, err := former.Open(s.Key, present.Seal(s))
		if !errors.Is(err, sessionstore.ErrUnknownKey) || !strings.Contains(err.Error(), "add it, be it a former one or another gateway's new one, after the present one") {
			t.Errorf("error is %v", err)
		}
	})
}

func FuzzOpenRecord(f *testing.F) {
	sealer := storetest.NewSealer(f, 'k', 'f')
	s := fullSession()
	s.Key = sessionstore.Key{Shard: 7}
	sealed := sealer.Seal(s)
	f.Add(sealed, uint16(0), byte(0))
	f.Add(sealed, uint16(9), byte(0xff))
	f.Add(sealed, uint16(16), byte(1))
	f.Add(sealed, uint16(40), byte(1))
	f.Add(storetest.NewSealer(f, 'f').Seal(s), uint16(3), byte(0))
	f.Add([]byte{}, uint16(0), byte(0))
	f.Add([]byte{1}, uint16(0), byte(1))
	f.Add(make([]byte, 61), uint16(0), byte(1))
	f.Fuzz(func(t *testing.T, value []byte, at uint16, flip byte) {
		// Whatever is thrown at it, nothing opens that was not sealed here.
		if got, err := sealer.Open(s.Key, value); err == nil && !sealedHere(got, s) {
			t.Errorf("opened what nobody sealed: %+v", got)
		}
		// And of what was sealed here, last seen is all that can change.
		changed := bytes.Clone(sealed)
		i := int(at) % len(changed)
		changed[i] ^= flip
		got, err := sealer.Open(s.Key, changed)
		if mayOpen := flip == 0 || i >= 9 && i < 17; (err == nil) != mayOpen {
			t.Fatalf("byte %d changed by %#x: error is %v", i, flip, err)
		}
		if err == nil && !sealedHere(got, s) {
			t.Errorf("byte %d changed by %#x changes the session", i, flip)
		}
	})
}

// sealedHere reports whether got is the session s, seen whenever.
func sealedHere(got, s *sessionstore.Session) bool {
	same := *got
	same.LastSeenAt = s.LastSeenAt
	return reflect.DeepEqual(&same, s)
}

// An id is in every record, for whoever reads the store.
func TestKeyIDsAreThoseOfTheRecords(t *testing.T) {
	one, two := bytes.Repeat([]byte{1}, sessionstore.SealingKeySize), bytes.Repeat([]byte{2}, sessionstore.SealingKeySize)
	sealer, err := sessionstore.NewSealer(one, two)
	if err != nil {
		t.Fatal(err)
	}
	ids := sealer.KeyIDs()
	if len(ids) != 2 || ids[0] == ids[1] || len(ids[0]) != 8 {
		t.Fatalf("they are %v", ids)
	}
	record := hex.EncodeToString(sealer.Seal(&sessionstore.Session{Key: sessionstore.NewSecret(1).Key()}))
	if !strings.Contains(record, ids[0]) || strings.Contains(record[:60], ids[1]) {
		t.Errorf("%v is not what %s is named by", ids, record)
	}
	for _, key := range [][]byte{one, two} {
		if text := hex.EncodeToString(key); strings.Contains(text, ids[0]) || strings.Contains(text, ids[1]) {
			t.Errorf("%v is a part of a key", ids)
		}
	}
}
