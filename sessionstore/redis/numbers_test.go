package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func number(t *testing.T, st *redis.Store, name string) int64 {
	t.Helper()
	n, err := st.Number(t.Context(), name)
	must(t, err)
	return n
}

// ledger notes which numbers were given to whom; none may be given twice.
type ledger struct {
	mu    sync.Mutex
	names map[int64]string
}

func (l *ledger) enter(t *testing.T, name string, n int64) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.names == nil {
		l.names = make(map[int64]string)
	}
	if other, ok := l.names[n]; ok && other != name {
		t.Errorf("%d is the number of %s and of %s", n, other, name)
	}
	l.names[n] = name
}

func TestNumbersInRedis(t *testing.T) {
	t.Run("numbers, their reservations and the counter never end", func(t *testing.T) {
		srv := redistest.Start(t)
		number(t, store(t, srv.URL()), "subject")
		all := keys(t, srv, "*")
		if len(all) != 3 {
			t.Fatalf("there are %d keys; want 3", len(all))
		}
		for _, key := range all {
			if ttl := srv.Client().PTTL(t.Context(), key).Val(); ttl != -1 {
				t.Errorf("%s ends in %v", key, ttl)
			}
		}
	})
	t.Run("who has a number gets it by one read", func(t *testing.T) {
		srv := redistest.Start(t)
		client := open(t, redis.Config{URL: srv.URL()})
		st := redis.New(client, sealer(t, "a secret"), redis.Options{Timeout: patience})
		n := number(t, st, "subject")
		sent := new(counter)
		client.AddHook(sent)
		if again := number(t, st, "subject"); again != n || sent.sent.Load() != 1 {
			t.Fatalf("%d commands answer %d; want 1 and %d", sent.sent.Load(), again, n)
		}
	})
	t.Run("two gateways that number one name at once waste a number rather than share one", func(t *testing.T) {
		srv := redistest.Start(t)
		other := store(t, srv.URL())
		client := open(t, redis.Config{URL: srv.URL()})
		var theirs int64
		// Between the other's look and its reservation.
		client.AddHook(&meddler{meddle: func() { theirs = number(t, other, "subject") }})
		mine := number(t, redis.New(client, sealer(t, "a secret"), redis.Options{Timeout: patience}), "subject")
		if mine != theirs {
			t.Fatalf("the one says %d, the other %d", mine, theirs)
		}
		if n := len(keys(t, srv, "*:o:*")); n != 2 {
			t.Fatalf("%d numbers are taken; want 2, one of them wasted", n)
		}
		if next := number(t, other, "next"); next == mine || next == 1 {
			t.Fatalf("the next name is given %d", next)
		}
	})
}

func TestNumbersWhoseKeysWereLost(t *testing.T) {
	const many = 200
	t.Run("a counter that is lost or goes back gives no number twice, and finds on in a few steps", func(t *testing.T) {
		for name, lose := range map[string]func(client *goredis.Client, key string) error{
			"lost":            func(c *goredis.Client, key string) error { return c.Del(t.Context(), key).Err() },
			"back by hundred": func(c *goredis.Client, key string) error { return c.DecrBy(t.Context(), key, 100).Err() },
		} {
			t.Run(name, func(t *testing.T) {
				srv := redistest.Start(t)
				client := open(t, redis.Config{URL: srv.URL()})
				st := redis.New(client, sealer(t, "a secret"), redis.Options{Timeout: patience})
				var given ledger
				for i := range many {
					given.enter(t, fmt.Sprint(i), number(t, st, fmt.Sprint(i)))
				}
				must(t, lose(srv.Client(), only(t, srv, "*}:c")))
				sent := new(counter)
				client.AddHook(sent)
				given.enter(t, "late", number(t, st, "late"))
				if n := sent.sent.Load(); n > 20 {
					t.Errorf("it took %d commands to find a number behind %d", n, many)
				}
				for i := range many {
					given.enter(t, fmt.Sprint(i), number(t, st, fmt.Sprint(i)))
					given.enter(t, fmt.Sprint("new ", i), number(t, st, fmt.Sprint("new ", i)))
				}
				if highest := number(t, st, "last"); highest > 5*many {
					t.Errorf("the highest number is %d after %d names: too many were wasted", highest, 2*many)
				}
			})
		}
	})
	t.Run("a name that is lost is numbered anew, and its number is nobody else's", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		var given ledger
		given.enter(t, "once", number(t, st, "subject"))
		must(t, srv.Client().Del(t.Context(), only(t, srv, "*:n:*")).Err())
		given.enter(t, "again", number(t, st, "subject"))
		given.enter(t, "other", number(t, st, "other"))
	})
	t.Run("a name whose counter went along gets the number that is still reserved for it", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		n := number(t, st, "subject")
		must(t, srv.Client().Del(t.Context(), only(t, srv, "*:n:*"), only(t, srv, "*}:c")).Err())
		if again := number(t, st, "subject"); again != n {
			t.Fatalf("the number is %d; it was %d", again, n)
		}
	})
}

func TestNumbersThatCannotBeTold(t *testing.T) {
	for _, c := range []struct {
		name, pattern, value, says string
	}{
		{"a counter that is no number", "*}:c", "many", "counter of numbers"},
		{"a counter at its end", "*}:c", "9007199254740991", "counter of numbers"},
		{"a counter at the end of 64 bits", "*}:c", "9223372036854775807", "overflow"},
		{"a counter below 0", "*}:c", "-7", "counter of numbers"},
		{"a number that is none", "*:n:*", "seven", "damaged"},
		{"a number that is empty", "*:n:*", "", "damaged"},
		{"a number that is 0", "*:n:*", "0", "damaged"},
		{"a number that JavaScript cannot read", "*:n:*", "9007199254740992", "damaged"},
		{"a number with a sign", "*:n:*", "-1", "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := redistest.Start(t)
			st := store(t, srv.URL())
			number(t, st, "subject")
			must(t, srv.Client().Set(t.Context(), only(t, srv, c.pattern), c.value, 0).Err())
			name := "subject"
			if c.pattern == "*}:c" {
				name = "other"
			}
			n, err := st.Number(t.Context(), name)
			cannotTell(t, err)
			if n != 0 || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Number answers %d, %v", n, err)
			}
		})
	}
	for pattern, lost := range map[string]string{"*}:c": "other", "*:n:*": "subject"} {
		t.Run("a key of another kind: "+pattern, func(t *testing.T) {
			srv := redistest.Start(t)
			st := store(t, srv.URL())
			number(t, st, "subject")
			client, key := srv.Client(), only(t, srv, pattern)
			client.Del(t.Context(), key)
			must(t, client.LPush(t.Context(), key, "x").Err())
			if n, err := st.Number(t.Context(), lost); n != 0 || !errors.Is(err, sessionstore.ErrCorrupt) {
				t.Errorf("Number answers %d, %v; want ErrCorrupt", n, err)
			}
		})
	}
	t.Run("the last number is given", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		must(t, srv.Client().Set(t.Context(), "sidegate:{0000}:c", int64(sessionstore.MaxNumber-1), 0).Err())
		if n := number(t, st, "last"); n != sessionstore.MaxNumber {
			t.Fatalf("the number is %d; want %d", n, int64(sessionstore.MaxNumber))
		}
		if n := number(t, st, "last"); n != sessionstore.MaxNumber {
			t.Fatalf("the number is %d the second time", n)
		}
	})
	t.Run("a server that was replaced gives none", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		must(t, ping(t, st))
		must(t, srv.Client().Do(t.Context(), "replicaof", "127.0.0.1", "1").Err())
		n, err := st.Number(t.Context(), "subject")
		cannotTell(t, err)
		if n != 0 {
			t.Errorf("it gives %d", n)
		}
	})
}
