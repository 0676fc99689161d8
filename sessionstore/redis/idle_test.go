package redis_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// fillUp has the server refuse whatever needs memory.
func fillUp(t *testing.T, srv *redistest.Server) {
	t.Helper()
	must(t, srv.Client().ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err())
	must(t, srv.Client().ConfigSet(t.Context(), "maxmemory", "1").Err())
	if err := srv.Client().Set(t.Context(), "filler", "x", 0).Err(); !goredis.IsOOMError(err) {
		t.Fatalf("a full Redis answers %v", err)
	}
}

// A server that is full still takes what need not grow, if that comes first:
// else everybody who is active would go idle while it is full.
func TestAFullRedisTakesActivity(t *testing.T) {
	// seenAgo is a session on a server that was full from then on.
	seenAgo := func(t *testing.T, ago, life time.Duration) (*redistest.Server, sessionstore.Store, *sessionstore.Session) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		s := session(ada, life, time.Hour)
		s.LastSeenAt = s.LastSeenAt.Add(-ago)
		must(t, storetest.Keep(t.Context(), st, s))
		fillUp(t, srv)
		return srv, st, s
	}
	t.Run("the end of the session is put off, with that of its index and what that says of it", func(t *testing.T) {
		srv, st, s := seenAgo(t, 50*time.Minute, 12*time.Hour)
		must(t, st.Touch(t.Context(), s, time.Now()))
		ttlIs(t, srv, "*:s:*", time.Hour+sessionstore.Grace)
		ttlIs(t, srv, "*:u:*", time.Hour+sessionstore.Grace)
		scored(t, srv, time.Hour)
		if list, err := st.List(t.Context(), ada); err != nil || len(list) != 1 || time.Since(list[0].LastSeenAt) > time.Minute {
			t.Errorf("List answers %v, %v; want one that was seen just now", list, err)
		}
	})
	t.Run("last seen moves even when no end does", func(t *testing.T) {
		_, st, s := seenAgo(t, 10*time.Minute, 20*time.Minute)
		must(t, st.Touch(t.Context(), s, time.Now()))
		if got, err := st.Get(t.Context(), s.Key); err != nil || !got.LastSeenAt.After(s.LastSeenAt) {
			t.Errorf("Get answers %v, %v", got, err)
		}
	})
	t.Run("a session is changed, for what it held may be spent", func(t *testing.T) {
		_, st, s := seenAgo(t, 0, 12*time.Hour)
		s.Version = 1
		if next, err := st.Update(t.Context(), s); err != nil || next.Version != 2 {
			t.Errorf("Update answers %v, %v", next, err)
		}
	})
	t.Run("it is no outage, and its beats say that it is full", func(t *testing.T) {
		srv, st, _ := seenAgo(t, 0, 12*time.Hour)
		beat := func() {
			if err := st.Beat(t.Context()); redis.Answered(err) != "OOM" {
				t.Errorf("a beat is answered with %v; want OOM", err)
			}
		}
		beat()
		before := srv.Client().Get(t.Context(), only(t, srv, "*:b")).Val()
		beat()
		if after := srv.Client().Get(t.Context(), only(t, srv, "*:b")).Val(); len(before) != 8 || len(after) != 8 || after < before {
			t.Errorf("of outages it held %x, and then %x", before, after)
		}
	})
	t.Run("nobody new comes in, and all of somebody's sessions can be ended", func(t *testing.T) {
		_, st, s := seenAgo(t, 0, 12*time.Hour)
		cannotTell(t, storetest.Keep(t.Context(), st, session(ada, time.Hour, 0)))
		must(t, st.Touch(t.Context(), s, time.Now()))
		if n, err := st.RevokeUser(t.Context(), ada); n != 1 || err != nil {
			t.Errorf("RevokeUser ended %d, %v; want 1", n, err)
		}
	})
}

// endIdle has all sessions of the server end idle that long ago.
func endIdle(t *testing.T, srv *redistest.Server, ago time.Duration) {
	t.Helper()
	client := srv.Client()
	for _, key := range keys(t, srv, "*:s:*") {
		must(t, client.PExpire(t.Context(), key, sessionstore.Grace-ago).Err())
	}
	for _, index := range keys(t, srv, "*:u:*") {
		for _, z := range client.ZRangeWithScores(t.Context(), index, 0, -1).Val() {
			by := time.UnixMilli(int64(z.Score)).Sub(time.Now().Add(sessionstore.Grace - ago))
			must(t, client.ZIncrBy(t.Context(), index, -float64(by.Milliseconds()), z.Member.(string)).Err())
		}
	}
}

// Nothing may come back that a revocation of all sessions would not find.
func TestASessionThatHasEndedIdleStaysInItsIndex(t *testing.T) {
	setup := func(t *testing.T) (*redistest.Server, sessionstore.Store, *sessionstore.Session) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		s := create(t, st, ada)
		endIdle(t, srv, 30*time.Minute)
		if _, err := st.Get(t.Context(), s.Key); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Fatalf("Get answers %v; want ErrNotFound", err)
		}
		return srv, st, s
	}
	late := func(s *sessionstore.Session) time.Time { return time.Now().Add(-40 * time.Minute) }
	t.Run("as long as late activity can put its end off", func(t *testing.T) {
		_, st, s := setup(t)
		must(t, storetest.Keep(t.Context(), st, session(ada, 12*time.Hour, time.Hour)))
		if list, err := st.List(t.Context(), ada); err != nil || len(list) != 1 {
			t.Fatalf("List answers %d sessions, %v; want the one that lives", len(list), err)
		}
		must(t, st.Touch(t.Context(), s, late(s)))
		if n, err := st.RevokeUser(t.Context(), ada); n != 2 || err != nil {
			t.Fatalf("RevokeUser ended %d, %v; want 2", n, err)
		}
	})
	t.Run("where a revocation of all finds it, though it counts for none", func(t *testing.T) {
		srv, st, s := setup(t)
		if n, err := st.RevokeUser(t.Context(), ada); n != 0 || err != nil {
			t.Fatalf("RevokeUser ended %d, %v; want none", n, err)
		}
		if err := st.Touch(t.Context(), s, late(s)); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Fatalf("Touch answers %v; want ErrNotFound", err)
		}
		if left := keys(t, srv, "*"); len(left) != 0 {
			t.Errorf("%d keys are left", len(left))
		}
	})
	t.Run("and is gone when an older gateway has taken it out", func(t *testing.T) {
		srv, st, s := setup(t)
		must(t, storetest.Keep(t.Context(), st, session(ada, 12*time.Hour, time.Hour)))
		must(t, srv.Client().ZRem(t.Context(), only(t, srv, "*:u:*"), string(s.Key.Hash[:])).Err())
		if err := st.Touch(t.Context(), s, late(s)); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Fatalf("Touch answers %v; want ErrNotFound", err)
		}
	})
}

// An older gateway gives its sessions no grace: their keys end when they do.
func TestASessionOfAnOlderGatewayEndsWhenItSays(t *testing.T) {
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	s := create(t, st, ada)
	older := func(t *testing.T, left time.Duration) {
		key, index := only(t, srv, "*:s:*"), only(t, srv, "*:u:*")
		must(t, srv.Client().PExpire(t.Context(), key, left).Err())
		must(t, srv.Client().ZAdd(t.Context(), index, goredis.Z{
			Score: float64(time.Now().Add(left).UnixMilli()), Member: string(s.Key.Hash[:]),
		}).Err())
	}
	t.Run("it is found and listed until then", func(t *testing.T) {
		older(t, 10*time.Minute)
		get(t, st, s.Key)
		if list, err := st.List(t.Context(), ada); err != nil || len(list) != 1 {
			t.Fatalf("List answers %d sessions, %v; want 1", len(list), err)
		}
	})
	t.Run("one without an index too, for that may be lost", func(t *testing.T) {
		older(t, 10*time.Minute)
		must(t, srv.Client().Del(t.Context(), only(t, srv, "*:u:*")).Err())
		get(t, st, s.Key)
	})
	t.Run("activity here gives it the grace", func(t *testing.T) {
		must(t, st.Touch(t.Context(), s, time.Now()))
		older(t, 10*time.Minute)
		must(t, st.Touch(t.Context(), s, time.Now()))
		ttlIs(t, srv, "*:s:*", time.Hour+sessionstore.Grace)
		scored(t, srv, time.Hour)
	})
}

// sessionKeyOf is the key of a session in Redis.
func sessionKeyOf(s *sessionstore.Session) string {
	return fmt.Sprintf("sidegate:{%04x}:s:%s", s.Key.Shard, base64.RawURLEncoding.EncodeToString(s.Key.Hash[:]))
}

// An older gateway that finds a key which lives longer than its idle timeout
// writes nothing but last seen.
func TestActivityAtAnOlderGatewayCounts(t *testing.T) {
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	s := create(t, st, ada)
	endIdle(t, srv, 5*time.Minute)
	gone(t, st, s.Key)
	seen := time.Now().Add(-time.Minute)
	must(t, srv.Client().SetRange(t.Context(), only(t, srv, "*:s:*"), sessionstore.RecordLastSeenAt,
		string(binary.BigEndian.AppendUint64(nil, uint64(seen.UnixMilli())))).Err())
	get(t, st, s.Key)
	if list, err := st.List(t.Context(), ada); err != nil || len(list) != 1 {
		t.Fatalf("List answers %d sessions, %v; want 1", len(list), err)
	}
	must(t, st.Touch(t.Context(), s, time.Now()))
	ttlIs(t, srv, "*:s:*", time.Hour+sessionstore.Grace)
	scored(t, srv, time.Hour)
}

// A server of a cluster may be away while the others are not: whose sessions lie
// there are not idle meanwhile, and others are.
func TestEachServerOfAClusterHasItsOwnOutages(t *testing.T) {
	n := redistest.StartCluster(t)
	st := redis.New(open(t, redis.Config{URL: n.URL(), Cluster: true}), sealer(t, "a secret"), redis.Options{Timeout: patience})
	sessions := make(map[*redistest.Server][]*sessionstore.Session)
	for id := range int64(50) {
		s := create(t, st, id+1)
		for _, p := range n.Primaries() {
			if p.Client().Exists(t.Context(), sessionKeyOf(s)).Val() == 1 {
				sessions[p] = append(sessions[p], s)
			}
		}
	}
	must(t, st.Beat(t.Context()))
	away := n.Primaries()[0]
	for _, p := range n.Primaries() {
		endIdle(t, p, 5*time.Minute)
		key := only(t, p, "*:b")
		if p == away {
			last := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(-20*time.Minute).UnixMilli()))
			must(t, p.Client().Set(t.Context(), key, last, time.Hour).Err())
		}
	}
	for range 2 {
		for p, theirs := range sessions {
			for _, s := range theirs {
				_, err := st.Get(t.Context(), s.Key)
				if p == away && err != nil || p != away && !errors.Is(err, sessionstore.ErrNotFound) {
					t.Errorf("on a server that was away (%v) Get answers %v", p == away, err)
				}
			}
		}
		must(t, st.Beat(t.Context())) // with which the outage is over, and not forgotten
	}
	if len(sessions) != 3 {
		t.Errorf("the sessions lie on %d servers; want 3", len(sessions))
	}
}
