package redis_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// longest is how many arguments the longest command had.
type longest struct{ args atomic.Int64 }

func (l *longest) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (l *longest) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

func (l *longest) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		for n := int64(len(cmd.Args())); ; {
			if held := l.args.Load(); n <= held || l.args.CompareAndSwap(held, n) {
				return next(ctx, cmd)
			}
		}
	}
}

// crowded is a store on a server that notes how long each command kept it.
func crowded(t *testing.T) (*redistest.Server, *redis.Store, *longest) {
	t.Helper()
	srv := redistest.Start(t, redistest.Args(
		"--slowlog-log-slower-than", "0", "--slowlog-max-len", "200000", "--latency-monitor-threshold", "1"))
	client, commands := open(t, redis.Config{URL: srv.URL()}), new(longest)
	client.AddHook(commands)
	return srv, redis.New(client, sealer(t, "a secret"), redis.Options{Timeout: patience}), commands
}

// tellLongest logs what kept the server longest since it was last asked, and
// requires that no command spoke of more than a page. A server is as slow for
// everybody as its longest command: that is why work is done in pages.
func tellLongest(t *testing.T, srv *redistest.Server, commands *longest, doing string) {
	t.Helper()
	client := srv.Client()
	all, err := client.SlowLogGet(t.Context(), -1).Result()
	must(t, err)
	var slowest goredis.SlowLog
	for _, entry := range all {
		// What the test itself looks at is not the store's doing.
		if name := strings.ToUpper(entry.Args[0]); strings.HasPrefix(name, "EVAL") || name == "ZREM" || name == "ZRANGE" || name == "ZRANGEBYSCORE" || name == "SCAN" {
			if entry.Duration > slowest.Duration {
				slowest = entry
			}
		}
	}
	if len(slowest.Args) == 0 {
		t.Fatalf("the server noted none of %d commands", len(all))
	}
	t.Logf("%s: the longest command kept Redis for %v (%s)", doing, slowest.Duration, slowest.Args[0])
	must(t, client.Do(t.Context(), "slowlog", "reset").Err())
	const most = 2*500 + 10 // a key and a member for each of a page
	if n := commands.args.Swap(0); n > most {
		t.Errorf("%s: one command had %d arguments; want at most %d", doing, n, most)
	}
}

// many is how many sessions one person has here.
const many = 10_000

// With a hundred thousand when there is time, of one person and of all together.
func TestManySessionsAreLookedThroughWithoutBlockingRedis(t *testing.T) {
	many := many
	if long() {
		many *= 10
	}
	srv, st, commands := crowded(t)
	createMany(t, st, ada, many/2)
	for id := range int64(many / 200) {
		createMany(t, st, id+10, 100)
	}
	tellLongest(t, srv, commands, "creating")
	count := func(walk func(func([]sessionstore.Found) error) error) int {
		seen := make(map[sessionstore.Key]bool)
		must(t, walk(func(page []sessionstore.Found) error {
			if len(page) > 1000 {
				t.Errorf("a page has %d sessions", len(page))
			}
			for _, f := range page {
				seen[f.Key] = true
			}
			return nil
		}))
		return len(seen)
	}
	if n := count(func(page func([]sessionstore.Found) error) error { return st.WalkUser(t.Context(), ada, page) }); n != many/2 {
		t.Errorf("%d sessions of one person are handed out; want %d", n, many/2)
	}
	tellLongest(t, srv, commands, "handing out one person's")
	if n := count(func(page func([]sessionstore.Found) error) error { return st.WalkAll(t.Context(), page) }); n != many {
		t.Errorf("%d sessions are handed out; want %d", n, many)
	}
	tellLongest(t, srv, commands, "handing out everybody's")
	if n, err := st.Count(t.Context()); n != many || err != nil {
		t.Errorf("%d sessions are live, %v; want %d", n, err, many)
	}
	tellLongest(t, srv, commands, "counting")
	ended := 0
	must(t, st.WalkAll(t.Context(), func(page []sessionstore.Found) error {
		n, err := st.RevokeFound(t.Context(), page...)
		ended += n
		return err
	}))
	tellLongest(t, srv, commands, "ending everybody's")
	if n, err := st.Count(t.Context()); ended != many || n != 0 || err != nil {
		t.Errorf("%d have ended and %d are left, %v; want all", ended, n, err)
	}
}

func TestTenThousandSessionsOfOnePersonDoNotBlockRedis(t *testing.T) {
	srv, st, commands := crowded(t)
	kept := []sessionstore.Key{create(t, st, ada).Key, create(t, st, ada).Key}
	createMany(t, st, ada, many)
	tellLongest(t, srv, commands, "creating")

	list, err := st.List(t.Context(), ada)
	must(t, err)
	seen := make(map[sessionstore.Key]bool)
	for _, s := range list {
		seen[s.Key] = true
	}
	if len(list) != many+2 || len(seen) != many+2 {
		t.Fatalf("the list has %d sessions, %d different ones; want %d", len(list), len(seen), many+2)
	}
	tellLongest(t, srv, commands, "listing")

	if n, err := st.RevokeUser(t.Context(), ada, kept...); n != many || err != nil {
		t.Fatalf("RevokeUser ended %d, %v; want %d", n, err, many)
	}
	tellLongest(t, srv, commands, "revoking")
	if n := len(keys(t, srv, "*:s:*")); n != len(kept) {
		t.Fatalf("%d sessions are left; want %d", n, len(kept))
	}
	for _, key := range kept {
		get(t, st, key)
	}
}

func TestTenThousandSessionsThatExpireAtOnceDoNotBlockRedis(t *testing.T) {
	srv, st, commands := crowded(t)
	createMany(t, st, ada, many)
	tellLongest(t, srv, commands, "creating")
	expireAll(t, srv)
	eventually(t, "Redis has dropped them", func() bool {
		return srv.Client().DBSize(t.Context()).Val() == 1 // the index
	})
	tellExpiry(t, srv)
	index := only(t, srv, "*:u:*")
	create(t, st, ada)
	if n := srv.Client().ZCard(t.Context(), index).Val(); n != many-100+1 {
		t.Fatalf("the index has %d members after one more; want a hundred less and that one", n)
	}
	tellLongest(t, srv, commands, "creating one more")
	list, err := st.List(t.Context(), ada)
	must(t, err)
	if n := srv.Client().ZCard(t.Context(), index).Val(); len(list) != 1 || n != 1 {
		t.Fatalf("the list has %d sessions and the index %d; want the one that lives", len(list), n)
	}
	tellLongest(t, srv, commands, "listing what has expired")
}

// expireAll puts the end of all sessions, and what the index says of it, into
// this very moment.
func expireAll(t *testing.T, srv *redistest.Server) {
	t.Helper()
	client, index := srv.Client(), only(t, srv, "*:u:*")
	pipe := client.Pipeline()
	ended := float64(time.Now().Add(-2 * time.Minute).UnixMilli())
	for _, member := range client.ZRange(t.Context(), index, 0, -1).Val() {
		pipe.ZAdd(t.Context(), index, goredis.Z{Score: ended, Member: member})
	}
	at := time.Now().Add(500 * time.Millisecond)
	for _, key := range keys(t, srv, "*:s:*") {
		pipe.PExpireAt(t.Context(), key, at)
	}
	_, err := pipe.Exec(t.Context())
	must(t, err)
	must(t, client.Do(t.Context(), "slowlog", "reset").Err()) // the test's own doing
}

// tellExpiry logs for how long Redis was busy with what expires by itself.
func tellExpiry(t *testing.T, srv *redistest.Server) {
	t.Helper()
	events, err := srv.Client().Do(t.Context(), "latency", "latest").Slice()
	must(t, err)
	for _, e := range events {
		// Name, when, the last and the longest in milliseconds.
		if event, ok := e.([]any); ok && len(event) == 4 && strings.HasPrefix(fmt.Sprint(event[0]), "expire") {
			t.Logf("expiring: Redis was busy with it for at most %v ms at a time (%v)", event[3], event[0])
		}
	}
}

func TestTenThousandLinksOfOneNameDoNotBlockRedis(t *testing.T) {
	srv, st, commands := crowded(t)
	must(t, st.Link(t.Context(), "sub", sessionstore.NewSecret(ada).Key(), time.Hour))
	key := only(t, srv, "*:l:*")
	end := time.Now().Add(time.Hour)
	fill(t, srv, key, many, func(i int) time.Time { return end.Add(time.Duration(i/3000) * time.Second) })
	commands.args.Store(0)

	found := linked(t, st)
	if len(found) != many+1 {
		t.Fatalf("%d sessions are linked; want %d", len(found), many+1)
	}
	tellLongest(t, srv, commands, "reading links")
	must(t, st.Link(t.Context(), "sub", sessionstore.NewSecret(ada).Key(), time.Hour))
	tellLongest(t, srv, commands, "linking one more")
	must(t, st.Unlink(t.Context(), "sub", found...))
	tellLongest(t, srv, commands, "unlinking all")
	if n := len(linked(t, st)); n != 1 {
		t.Fatalf("%d sessions are linked; want the last", n)
	}

	fill(t, srv, key, many, func(int) time.Time { return time.Now().Add(-time.Minute) })
	tellLongest(t, srv, commands, "reading the last")
	if n := len(linked(t, st)); n != 1 {
		t.Fatalf("%d sessions are linked; want the last", n)
	}
	tellLongest(t, srv, commands, "reading while ten thousand have ended")
}
