package redis_test

import (
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// TestWhoWritesToRedis is what deploy/SECURITY.md says of those who can, and have no
// secret: nobody is let in by what they make up, and what they can do is said there.
func TestWhoWritesToRedis(t *testing.T) {
	srv := redistest.Start(t)
	st, raw := store(t, srv.URL()), srv.Client()
	value := func(key string) []byte {
		record, err := raw.Get(t.Context(), key).Bytes()
		must(t, err)
		return record
	}
	write := func(key string, record []byte) { must(t, raw.Set(t.Context(), key, record, time.Hour).Err()) }
	// new is a session, and the key of its record.
	known := make(map[string]bool)
	begin := func(userID int64) (*sessionstore.Session, string) {
		s := create(t, st, userID)
		for _, key := range keys(t, srv, "*:s:*") {
			if !known[key] {
				known[key] = true
				return s, key
			}
		}
		t.Fatal("the session has no record")
		return nil, ""
	}

	t.Run("who deletes a session signs its person out", func(t *testing.T) {
		s, key := begin(ada)
		must(t, raw.Del(t.Context(), key).Err())
		gone(t, st, s.Key)
	})
	t.Run("no byte of it can be changed but when it was last used", func(t *testing.T) {
		s, key := begin(ada)
		record := value(key)
		for i := range record {
			if i >= sessionstore.RecordLastSeenAt && i < sessionstore.RecordLastSeenAt+sessionstore.RecordLastSeenSize {
				continue
			}
			changed := append([]byte(nil), record...)
			changed[i] ^= 1
			write(key, changed)
			_, err := st.Get(t.Context(), s.Key)
			cannotTell(t, err)
		}
		later := append([]byte(nil), record...)
		later[sessionstore.RecordLastSeenAt+sessionstore.RecordLastSeenSize-3] ^= 1
		write(key, later)
		if now := get(t, st, s.Key); now.LastSeenAt.Equal(s.LastSeenAt) || !now.ExpiresAt.Equal(s.ExpiresAt) {
			t.Errorf("it was last seen at %v, and ends at %v", now.LastSeenAt, now.ExpiresAt)
		}
	})
	t.Run("a session is of no use under the name of another", func(t *testing.T) {
		mine, key := begin(ada)
		_, other := begin(grace)
		write(key, value(other))
		_, err := st.Get(t.Context(), mine.Key)
		cannotTell(t, err)
	})
	t.Run("a copy of before brings back what it was, also a session that has ended", func(t *testing.T) {
		s, key := begin(ada)
		copied, index := value(key), only(t, srv, "*:u:1")
		listed, err := raw.ZRangeWithScores(t.Context(), index, 0, -1).Result()
		must(t, err)
		must(t, storetest.End(t.Context(), st, s.Key))
		write(key, copied)
		gone(t, st, s.Key) // as it is not among the sessions of its person
		must(t, raw.ZAdd(t.Context(), index, listed...).Err())
		if back := get(t, st, s.Key); back.User.ID != ada {
			t.Errorf("it is the session of %d", back.User.ID)
		}
	})
}
