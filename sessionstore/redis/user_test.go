package redis_test

import (
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

func createMany(t *testing.T, st *redis.Store, userID int64, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range n / 16 {
				if err := storetest.Keep(t.Context(), st, session(userID, 12*time.Hour, time.Hour)); err != nil {
					t.Errorf("creating one of many: %v", err)
				}
			}
		})
	}
	for range n % 16 {
		must(t, storetest.Keep(t.Context(), st, session(userID, 12*time.Hour, time.Hour)))
	}
	wg.Wait()
}

func TestListReadsPagesThatExpireInOneMillisecond(t *testing.T) {
	const many = 1100
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	createMany(t, st, ada, many)
	client, index := srv.Client(), only(t, srv, "*:u:*")
	members := client.ZRange(t.Context(), index, 0, -1).Val()
	for _, m := range members {
		must(t, client.ZAdd(t.Context(), index, goredis.Z{Score: 4e12, Member: m}).Err())
	}
	list, err := st.List(t.Context(), ada)
	must(t, err)
	if len(list) != many {
		t.Fatalf("the list has %d sessions; want %d", len(list), many)
	}
}

// What is done with a page may have all of it leave the index, and others with it.
func TestAWalkStepsOverNobodyWhoseScoreIsThatOfThoseWhoEnd(t *testing.T) {
	const many = 1600
	for name, ends := range map[string]func(i int) bool{
		"all of each page end":   func(int) bool { return true },
		"some of each page end":  func(i int) bool { return i%3 == 0 },
		"the last of each stays": func(i int) bool { return i%500 != 499 },
	} {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		createMany(t, st, ada, many)
		client, index := srv.Client(), only(t, srv, "*:u:*")
		for _, m := range client.ZRange(t.Context(), index, 0, -1).Val() {
			must(t, client.ZAdd(t.Context(), index, goredis.Z{Score: 4e12, Member: m}).Err())
		}
		seen := make(map[sessionstore.Key]bool)
		must(t, st.WalkUser(t.Context(), ada, func(page []sessionstore.Found) error {
			var end []sessionstore.Found
			for i, f := range page {
				if seen[f.Key] = true; ends(i) {
					end = append(end, f)
				}
			}
			n, err := st.RevokeFound(t.Context(), end...)
			if n != len(end) {
				t.Errorf("%s: %d have ended; want %d", name, n, len(end))
			}
			return err
		}))
		if len(seen) != many {
			t.Errorf("%s: %d are handed out; want %d", name, len(seen), many)
		}
	}
}

// Those that have gone leave the index while it is read, and the others move up:
// no session may be stepped over for that.
func TestListStepsOverNobodyWhileOthersLeaveTheIndex(t *testing.T) {
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	createMany(t, st, ada, 300)
	client, index := srv.Client(), only(t, srv, "*:u:*")
	members := client.ZRange(t.Context(), index, 0, -1).Val()
	for i := range 2000 {
		members = append(members, string(sessionstore.NewSecret(int64(i)).Key().AppendTo(nil)[2:]))
	}
	for _, m := range members {
		must(t, client.ZAdd(t.Context(), index, goredis.Z{Score: 4e12, Member: m}).Err())
	}
	list, err := st.List(t.Context(), ada)
	must(t, err)
	if n := client.ZCard(t.Context(), index).Val(); len(list) != 300 || n != 300 {
		t.Fatalf("the list has %d sessions and the index %d; want 300", len(list), n)
	}
}

func TestIndexIsNotTrusted(t *testing.T) {
	t.Run("it shows nobody the session of somebody else", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		twin := shardTwin(ada)
		theirs := create(t, st, twin)
		create(t, st, ada)
		for _, key := range keys(t, srv, "*:u:*") {
			must(t, srv.Client().ZAdd(t.Context(), key, goredis.Z{Score: 4e12, Member: string(theirs.Key.Hash[:])}).Err())
		}
		list, err := st.List(t.Context(), ada)
		must(t, err)
		if len(list) != 1 || list[0].User.ID != ada {
			t.Fatalf("Ada's list has %d sessions; want her own one", len(list))
		}
		get(t, st, theirs.Key)
	})
	t.Run("members that are no hash hold nothing up and leave", func(t *testing.T) {
		for _, act := range []string{"List", "RevokeUser"} {
			srv := redistest.Start(t)
			st := store(t, srv.URL())
			s := create(t, st, ada)
			index := only(t, srv, "*:u:*")
			for _, m := range []string{"", "short", string(make([]byte, 33)), "a\r\n:b"} {
				must(t, srv.Client().ZAdd(t.Context(), index, goredis.Z{Score: 1, Member: m}).Err())
			}
			must(t, calls()[act](t.Context(), st, s))
			if n := srv.Client().ZCard(t.Context(), index).Val(); n > 1 {
				t.Fatalf("the index has %d members after %s; want none but the session", n, act)
			}
		}
	})
	t.Run("a session ends though its index is of another kind", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		s := create(t, st, ada)
		must(t, srv.Client().Set(t.Context(), only(t, srv, "*:u:*"), "foreign", 0).Err())
		must(t, storetest.End(t.Context(), st, s.Key))
		gone(t, st, s.Key)
	})
	t.Run("no session is created that its index lacks", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		create(t, st, ada)
		must(t, srv.Client().Set(t.Context(), only(t, srv, "*:u:*"), "foreign", 0).Err())
		s := session(ada, time.Hour, 0)
		cannotTell(t, storetest.Keep(t.Context(), st, s))
		gone(t, st, s.Key)
	})
	t.Run("a touch enters a session that its index has lost", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		s := create(t, st, ada)
		must(t, srv.Client().Del(t.Context(), only(t, srv, "*:u:*")).Err())
		must(t, srv.Client().PExpire(t.Context(), only(t, srv, "*:s:*"), time.Minute).Err())
		must(t, st.Touch(t.Context(), s, time.Now()))
		if n, err := st.RevokeUser(t.Context(), ada); n != 1 || err != nil {
			t.Fatalf("RevokeUser ended %d, %v; want 1", n, err)
		}
	})
}

// shardTwin is another person whose sessions lie in the same shard.
func shardTwin(userID int64) int64 {
	twin := userID + 1
	for sessionstore.ShardOf(twin) != sessionstore.ShardOf(userID) {
		twin++
	}
	return twin
}
