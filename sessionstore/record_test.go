package sessionstore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/storetest"
)

func TestRecordHeader(t *testing.T) {
	sealer := storetest.NewSealer(t, 'k')
	s := fullSession()
	record := sealer.Seal(s)
	t.Run("the header lies where other gateways look for it", func(t *testing.T) {
		version := record[sessionstore.RecordVersionAt:][:sessionstore.RecordVersionSize]
		seen := record[sessionstore.RecordLastSeenAt:][:sessionstore.RecordLastSeenSize]
		if record[0] != 1 || binary.BigEndian.Uint64(version) != 3 {
			t.Errorf("format and version are % x", record[:9])
		}
		if got := int64(binary.BigEndian.Uint64(seen)); got != s.LastSeenAt.UnixMilli() {
			t.Errorf("last seen is %d; want %d", got, s.LastSeenAt.UnixMilli())
		}
	})
	t.Run("the header is read without a key", func(t *testing.T) {
		if got := sessionstore.RecordVersion(record); got != 3 {
			t.Errorf("version is %d; want 3", got)
		}
		if got := sessionstore.RecordLastSeen(record); !got.Equal(s.LastSeenAt) || got.Location() != time.UTC {
			t.Errorf("last seen is %v; want %v", got, s.LastSeenAt)
		}
	})
	t.Run("last seen is rewritten in place and nothing else changes", func(t *testing.T) {
		for _, seen := range []time.Time{noon.Add(5 * time.Hour), time.UnixMilli(-1).UTC()} {
			touched := bytes.Clone(record)
			sessionstore.SetRecordLastSeen(touched, seen.Add(999*time.Microsecond))
			got, err := sealer.Open(s.Key, touched)
			if err != nil {
				t.Fatal(err)
			}
			if !got.LastSeenAt.Equal(seen) || !sealedHere(got, s) {
				t.Errorf("last seen is %v; want %v", got.LastSeenAt, seen)
			}
		}
	})
	t.Run("to rewrite last seen puts off the idle timeout but not the end of life", func(t *testing.T) {
		touched := bytes.Clone(record)
		sessionstore.SetRecordLastSeen(touched, noon.Add(9999*time.Hour))
		got, err := sealer.Open(s.Key, touched)
		if err != nil {
			t.Fatal(err)
		}
		if !got.IdleExpiresAt().Equal(s.ExpiresAt) {
			t.Errorf("the session ends at %v; want %v", got.IdleExpiresAt(), s.ExpiresAt)
		}
	})
}

func TestCheckRecord(t *testing.T) {
	record := storetest.NewSealer(t, 'k').Seal(fullSession())
	withFormat := func(format byte) []byte {
		r := bytes.Clone(record)
		r[0] = format
		return r
	}
	for _, c := range []struct {
		name  string
		value []byte
		want  error
	}{
		{"a record is one", record, nil},
		{"the shortest record is one", record[:sessionstore.RecordMinSize], nil},
		{"nothing is damaged", nil, sessionstore.ErrCorrupt},
		{"a value too short is damaged", record[:sessionstore.RecordMinSize-1], sessionstore.ErrCorrupt},
		{"a value of format 0 is damaged", withFormat(0), sessionstore.ErrCorrupt},
		{"a value of format 2 is newer", withFormat(2), sessionstore.ErrFormat},
		{"a value of format 15 is newer", withFormat(15), sessionstore.ErrFormat},
		{"a value of format 16 is foreign", withFormat(16), sessionstore.ErrCorrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := sessionstore.CheckRecord(c.value); !errors.Is(err, c.want) {
				t.Errorf("error is %v; want %v", err, c.want)
			}
			if c.want == nil {
				return
			}
			before := bytes.Clone(c.value)
			sessionstore.SetRecordLastSeen(c.value, noon)
			if sessionstore.RecordVersion(c.value) != 0 || !sessionstore.RecordLastSeen(c.value).IsZero() || !bytes.Equal(before, c.value) {
				t.Error("it is treated as a record")
			}
		})
	}
}
