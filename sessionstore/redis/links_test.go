package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// linked asks for the links of the one name of these tests.
func linked(t *testing.T, st *redis.Store) []sessionstore.Key {
	t.Helper()
	found, err := st.Linked(t.Context(), "sub")
	must(t, err)
	return found
}

// isLinked asks for one link of that name.
func isLinked(t *testing.T, st *redis.Store, key sessionstore.Key) bool {
	t.Helper()
	is, err := st.IsLinked(t.Context(), "sub", key)
	must(t, err)
	return is
}

// fill puts n links straight into the set, each of which ends when that says.
func fill(t *testing.T, srv *redistest.Server, key string, n int, ends func(i int) time.Time) {
	t.Helper()
	links := make([]goredis.Z, n)
	for i := range links {
		member := sessionstore.NewSecret(ada).Key().AppendTo(nil)
		links[i] = goredis.Z{Score: float64(ends(i).UnixMilli()), Member: string(member)}
	}
	must(t, srv.Client().ZAdd(t.Context(), key, links...).Err())
}

func TestLinksInRedis(t *testing.T) {
	t.Run("the links of a name live as long as the last of them", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		for _, life := range []time.Duration{2 * time.Hour, 5 * time.Hour, time.Hour} {
			must(t, st.Link(t.Context(), "sub", sessionstore.NewSecret(ada).Key(), life))
		}
		ttlIs(t, srv, "*:l:*", 5*time.Hour)
	})
	t.Run("links that have ended leave with each that comes and each that is asked for", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		must(t, st.Link(t.Context(), "sub", sessionstore.NewSecret(ada).Key(), time.Hour))
		key := only(t, srv, "*:l:*")
		fill(t, srv, key, 1150, func(int) time.Time { return time.Now().Add(-time.Second) })
		left := func(want int64) {
			t.Helper()
			if n := srv.Client().ZCard(t.Context(), key).Val(); n != want {
				t.Fatalf("%d links are left; want %d", n, want)
			}
		}
		must(t, st.Link(t.Context(), "sub", sessionstore.NewSecret(ada).Key(), time.Hour))
		left(1 + 1150 - 100 + 1)
		for _, want := range []int64{552, 52, 2, 2} {
			if n := len(linked(t, st)); n != 2 {
				t.Fatalf("%d sessions are linked; want 2", n)
			}
			left(want)
		}
	})
	t.Run("thousands that end in one millisecond are all read, each once", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		must(t, st.Link(t.Context(), "sub", sessionstore.NewSecret(ada).Key(), time.Hour))
		end := time.Now().Add(2 * time.Hour)
		fill(t, srv, only(t, srv, "*:l:*"), 1700, func(i int) time.Time {
			return end.Add(time.Duration(i/1200) * time.Minute)
		})
		found := linked(t, st)
		different := make(map[sessionstore.Key]bool)
		for _, key := range found {
			different[key] = true
		}
		if len(found) != 1701 || len(different) != 1701 {
			t.Fatalf("%d sessions are linked, %d different ones; want 1701", len(found), len(different))
		}
	})
	t.Run("one that has ended is not linked, though it is still in the set", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		goes, stays := sessionstore.NewSecret(ada).Key(), sessionstore.NewSecret(ada).Key()
		must(t, st.Link(t.Context(), "sub", goes, time.Hour))
		must(t, st.Link(t.Context(), "sub", stays, time.Hour))
		key := only(t, srv, "*:l:*")
		if !isLinked(t, st, goes) || !isLinked(t, st, stays) {
			t.Fatal("two that were linked are not")
		}
		ended := goredis.Z{Score: float64(time.Now().Add(-time.Second).UnixMilli()), Member: string(goes.AppendTo(nil))}
		must(t, srv.Client().ZAdd(t.Context(), key, ended).Err())
		if isLinked(t, st, goes) || !isLinked(t, st, stays) {
			t.Error("of two links the one that has ended was taken for the other")
		}
		if n := srv.Client().ZCard(t.Context(), key).Val(); n != 2 {
			t.Errorf("%d links are in the set; want both: to ask is not to tidy up", n)
		}
	})
	t.Run("one among thousands is one question", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		one := sessionstore.NewSecret(ada).Key()
		must(t, st.Link(t.Context(), "sub", one, 2*time.Hour))
		fill(t, srv, only(t, srv, "*:l:*"), 1700, func(int) time.Time { return time.Now().Add(time.Hour) })
		isLinked(t, st, one) // from here on the server knows the script
		must(t, srv.Client().ConfigResetStat(t.Context()).Err())
		if !isLinked(t, st, one) {
			t.Error("one that was linked is not")
		}
		stats := srv.Client().Info(t.Context(), "commandstats").Val()
		for _, command := range []string{"evalsha", "zscore"} {
			if !strings.Contains(stats, "cmdstat_"+command+":calls=1,") {
				t.Errorf("%s was not called once:\n%s", command, stats)
			}
		}
	})
	t.Run("members that are no session name none and hold nothing up", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		must(t, st.Link(t.Context(), "sub", sessionstore.NewSecret(ada).Key(), time.Hour))
		for _, m := range []string{"", "short", string(make([]byte, 35)), "a\r\n:b"} {
			must(t, srv.Client().ZAdd(t.Context(), only(t, srv, "*:l:*"), goredis.Z{Score: 4e12, Member: m}).Err())
		}
		if n := len(linked(t, st)); n != 1 {
			t.Fatalf("%d sessions are linked; want 1", n)
		}
	})
	t.Run("links of another kind cannot be told", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		s := create(t, st, ada)
		must(t, st.Link(t.Context(), "sub", s.Key, time.Hour))
		must(t, srv.Client().Set(t.Context(), only(t, srv, "*:l:*"), "foreign", 0).Err())
		for _, name := range []string{"Link", "Linked", "IsLinked", "Unlink"} {
			if err := calls()[name](t.Context(), st, s); !errors.Is(err, sessionstore.ErrCorrupt) {
				t.Errorf("%s answers %v; want ErrCorrupt", name, err)
			}
		}
	})
	t.Run("to unlink the last takes the key along", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		key := sessionstore.NewSecret(ada).Key()
		must(t, st.Link(t.Context(), "sub", key, time.Hour))
		must(t, st.Unlink(t.Context(), "sub", key))
		if n := len(keys(t, srv, "*")); n != 0 {
			t.Fatalf("there are %d keys; want none", n)
		}
	})
}

// Whoever is told that there are no links signs nobody out: it must be certain.
func TestAServerThatWasReplacedDoesNotSayWhichLinksThereAre(t *testing.T) {
	for _, linkedBefore := range []int{0, 3} {
		t.Run(fmt.Sprintf("which has %d of them", linkedBefore), func(t *testing.T) {
			srv := redistest.Start(t)
			st := store(t, srv.URL())
			must(t, ping(t, st))
			var key sessionstore.Key
			for range linkedBefore {
				key = sessionstore.NewSecret(ada).Key()
				must(t, st.Link(t.Context(), "sub", key, time.Hour))
			}
			must(t, srv.Client().Do(t.Context(), "replicaof", "127.0.0.1", "1").Err())
			found, err := st.Linked(t.Context(), "sub")
			cannotTell(t, err)
			if found != nil {
				t.Errorf("it names %d sessions", len(found))
			}
			// That it is linked still would let a session live that has ended since.
			is, err := st.IsLinked(t.Context(), "sub", key)
			cannotTell(t, err)
			if is {
				t.Error("it says that a session is linked")
			}
		})
	}
}
