package redis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// strict is a store with the default time-outs of store and client, as a
// gateway has it.
func strict(t *testing.T, url string) *redis.Store {
	t.Helper()
	client, err := redis.Open(redis.Config{URL: url})
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return redis.New(client, sealer(t, "a secret"), redis.Options{})
}

// nobodyCanTell requires that no method has a definite answer and that each
// gives up by itself, long before the deadline of its caller.
func nobodyCanTell(t *testing.T, st *redis.Store) {
	t.Helper()
	s := session(ada, time.Hour, 0)
	s.Version = 1
	for name, call := range calls() {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := call(ctx, st, s)
		if ctx.Err() != nil {
			t.Errorf("%s waited for the deadline of its caller", name)
		}
		cancel()
		t.Run(name, func(t *testing.T) {
			cannotTell(t, err)
			for _, private := range []string{"ada@", "person-1", s.Key.Encode(), "sidegate:{"} {
				if strings.Contains(err.Error(), private) {
					t.Errorf("the error %q says %q", err, private)
				}
			}
			if !strings.Contains(err.Error(), "redis") {
				t.Errorf("the error %q does not say that it is about redis", err)
			}
		})
	}
}

func TestRedisThatIsDownIsNoSignOut(t *testing.T) {
	t.Run("a server that is not there when the gateway starts, and then is", func(t *testing.T) {
		srv := redistest.Start(t)
		srv.Kill()
		st := strict(t, srv.URL())
		nobodyCanTell(t, st)
		srv.Restart()
		works(t, st)
		create(t, store(t, srv.URL()), ada)
	})
	t.Run("a server that is killed and comes back with its data", func(t *testing.T) {
		srv := redistest.Start(t, redistest.AppendOnly())
		st := strict(t, srv.URL())
		s := create(t, store(t, srv.URL()), ada)
		worksAgain(t, st, s)
		srv.Kill()
		nobodyCanTell(t, st)
		srv.Restart()
		worksAgain(t, st, s)
	})
	t.Run("a server that hangs and goes on", func(t *testing.T) {
		srv := redistest.Start(t)
		st := strict(t, srv.URL())
		s := create(t, store(t, srv.URL()), ada)
		worksAgain(t, st, s)
		srv.Pause()
		nobodyCanTell(t, st)
		srv.Resume()
		// The hanging server now does what it was sent: among it the end of
		// all of Ada's sessions, so that hers may have gone by right.
		works(t, st)
		s = create(t, store(t, srv.URL()), grace)
		worksAgain(t, st, s)
	})
}

// worksAgain waits until the session is read; it must never be said to be gone.
func worksAgain(t *testing.T, st *redis.Store, s *sessionstore.Session) {
	t.Helper()
	var err error
	eventually(t, "the session is read again", func() bool {
		var got *sessionstore.Session
		got, err = st.Get(t.Context(), s.Key)
		if errors.Is(err, sessionstore.ErrNotFound) {
			t.Fatal("the session is said to be gone")
		}
		return err == nil && got.User.ID == s.User.ID
	}, func() string { return fmt.Sprint(err) })
	eventually(t, "it is written again", func() bool {
		err = st.Touch(t.Context(), s, time.Now())
		return err == nil
	}, func() string { return fmt.Sprint(err) })
}

func TestErrorsOfRedisAreNoSignOut(t *testing.T) {
	tests := []struct{ name, reply, step string }{
		{"loading", "-LOADING Redis is loading the dataset in memory", "wait for it"},
		{"a replica", "-READONLY You can't write against a read only replica.", "primary"},
		{"no password", "-NOAUTH Authentication required.", "password"},
		{"no permission", "-NOPERM this user has no permissions to run the 'get' command", "ACL SETUSER"},
		{"a replica without its primary", "-MASTERDOWN Link with MASTER is down", "replication"},
		{"a cluster that is down", "-CLUSTERDOWN Hash slot not served", "add `cluster` to the store; slots of the cluster are not assigned"},
		{"a slot on the move", "-TRYAGAIN Multiple keys request during rehashing of slot", "add `cluster`"},
		{"a primary without its replicas", "-NOREPLICAS Not enough good replicas to write.", "min-replicas-to-write"},
		{"a node of a cluster that was not said to be one", "-MOVED 866 127.0.0.1:7001", "add `cluster`"},
		{"the same while a slot moves", "-ASK 866 127.0.0.1:7001", "add `cluster`"},
		{"the same asked for what several nodes have", "-CROSSSLOT Keys in request don't hash to the same slot", "add `cluster`"},
		{"no permission to publish", "-ERR The user executing the script can't publish to the channel mentioned in the script", "&sidegate:*"},
		{"full memory", "-OOM command not allowed when used memory > 'maxmemory'.", "maxmemory"},
		{"too many clients", "-ERR max number of clients reached", "maxclients"},
		{"a disk that is full", "-MISCONF Redis is configured to save RDB snapshots", "make room on that disk"},
		{"a script that hangs", "-BUSY Redis is busy running a script.", "SCRIPT KILL"},
		{"a command that was renamed", "-ERR unknown command 'x', with args beginning with: 'sidegate:{0000}:s:x' 'ada@example.com'", "rename-command"},
		{"a value of another kind", "-WRONGTYPE Operation against a key holding the wrong kind of value", "damaged or foreign"},
		{"a value of another kind met by a script of Redis 6", "-ERR Error running script: @user_script:3: WRONGTYPE Operation", "damaged or foreign"},
		{"something that is not Redis", "HTTP/1.1 400 Bad Request", "this is no redis: check host and port"},
		{"half an answer", "$100", "redis"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t, func([]string) (string, bool) { return test.reply + "\r\n", true })
			st := store(t, f.url())
			if test.name == "half an answer" {
				st = strict(t, f.url()) // the other half never comes
			}
			nobodyCanTell(t, st)
			if _, err := st.Get(t.Context(), sessionstore.Key{}); !strings.Contains(err.Error(), test.step) {
				t.Errorf("the error %q does not say %q", err, test.step)
			}
		})
	}
	t.Run("a real server that demands a password", func(t *testing.T) {
		srv := redistest.Start(t, redistest.Password("correct horse"))
		create(t, store(t, srv.URL()), ada)
		nobodyCanTell(t, store(t, "redis://"+srv.Addr()))
		nobodyCanTell(t, store(t, "redis://:wrong@"+srv.Addr()))
	})
	t.Run("a real server without the command", func(t *testing.T) {
		srv := redistest.Start(t, redistest.Args("--rename-command", "GET", "", "--rename-command", "EVALSHA", ""))
		st := store(t, srv.URL())
		key := sessionstore.NewSecret(ada).Key()
		_, get := st.Get(t.Context(), key)
		for _, err := range []error{get, storetest.End(t.Context(), st, key)} {
			cannotTell(t, err)
			if strings.Contains(err.Error(), "sidegate:") {
				t.Errorf("the error %q holds a key", err)
			}
		}
	})
	t.Run("a replica that lags behind does not confirm a sign-out", func(t *testing.T) {
		f := newFake(t, func(command []string) (string, bool) {
			if strings.EqualFold(command[0], "GET") {
				return "$-1\r\n", true
			}
			return "-READONLY You can't write against a read only replica.\r\n", true
		})
		cannotTell(t, storetest.End(t.Context(), store(t, f.url()), sessionstore.NewSecret(ada).Key()))
	})
}

// A server that resembles Redis may run scripts in its own way.
func TestAnswersOfAnotherShapeAreNoSignOut(t *testing.T) {
	for _, reply := range []string{"*0", "$-1", ":7", "*1\r\n$5\r\nbogus", "*1\r\n$4\r\ngon3"} {
		f := newFake(t, func([]string) (string, bool) { return reply + "\r\n", true })
		st := store(t, f.url())
		for _, name := range []string{"Get", "Touch", "Take"} {
			cannotTell(t, calls()[name](t.Context(), st, session(ada, time.Hour, 0)))
		}
	}
	t.Run("a listing with fewer sessions than were asked for", func(t *testing.T) {
		f := newFake(t, func(command []string) (string, bool) {
			if command[2] != "1" {
				return "*0\r\n", true
			}
			return "*3\r\n$4\r\npage\r\n$6\r\nmember\r\n$1\r\n1\r\n", true
		})
		_, err := store(t, f.url()).List(t.Context(), ada)
		cannotTell(t, err)
	})
	t.Run("a page of an index without what it begins with", func(t *testing.T) {
		for _, reply := range []string{"*0", "*2\r\n$6\r\nmember\r\n$1\r\n1", "*1\r\n$6\r\nmember"} {
			f := newFake(t, func([]string) (string, bool) { return reply + "\r\n", true })
			_, err := store(t, f.url()).List(t.Context(), ada)
			cannotTell(t, err)
		}
	})
}

func TestForeignValuesAreNoSignOut(t *testing.T) {
	record := func(t *testing.T, srv *redistest.Server) string {
		return srv.Client().Get(t.Context(), only(t, srv, "*:s:*")).Val()
	}
	set := func(value func(old string) string) func(*testing.T, *redistest.Server) {
		return func(t *testing.T, srv *redistest.Server) {
			key := only(t, srv, "*:s:*")
			must(t, srv.Client().Set(t.Context(), key, value(record(t, srv)), time.Hour).Err())
		}
	}
	tests := []struct {
		name  string
		spoil func(*testing.T, *redistest.Server)
		want  error
	}{
		{"a list", func(t *testing.T, srv *redistest.Server) {
			key, client := only(t, srv, "*:s:*"), srv.Client()
			must(t, client.Del(t.Context(), key).Err())
			must(t, client.LPush(t.Context(), key, "x").Err())
		}, sessionstore.ErrCorrupt},
		{"nothing at all", set(func(string) string { return "" }), sessionstore.ErrCorrupt},
		{"too few bytes", set(func(old string) string { return old[:12] }), sessionstore.ErrCorrupt},
		{"a header and nothing else", set(func(old string) string { return old[:40] }), sessionstore.ErrCorrupt},
		{"JSON", set(func(string) string { return `{"id":1,"email":"` + strings.Repeat("a", 99) + `"}` }), sessionstore.ErrCorrupt},
		{"the record of a newer gateway", set(func(old string) string { return "\x02" + old[1:] }), sessionstore.ErrFormat},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			srv := redistest.Start(t)
			st := store(t, srv.URL())
			s := create(t, st, ada)
			test.spoil(t, srv)
			for _, name := range []string{"Get", "Update", "Touch", "List"} {
				if err := calls()[name](t.Context(), st, s); !errors.Is(err, test.want) {
					t.Errorf("%s answers %v; want %v", name, err, test.want)
				}
			}
			must(t, storetest.End(t.Context(), st, s.Key))
			gone(t, st, s.Key)
		})
	}
	t.Run("a record under a secret that is not configured", func(t *testing.T) {
		srv := redistest.Start(t)
		s := create(t, store(t, srv.URL()), ada)
		other := redis.New(open(t, redis.Config{URL: srv.URL()}), sealer(t, "another"), redis.Options{Timeout: patience})
		_, err := other.Get(t.Context(), s.Key)
		if !errors.Is(err, sessionstore.ErrUnknownKey) {
			t.Fatalf("Get answers %v; want ErrUnknownKey", err)
		}
		if n, err := other.RevokeUser(t.Context(), ada); n != 1 || err != nil {
			t.Fatalf("RevokeUser ended %d, %v; want 1", n, err)
		}
	})
}

func TestAValueOfAnotherKindHidesNoOtherSession(t *testing.T) {
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	good, bad := create(t, st, ada), create(t, st, ada)
	at, client := recordAt("sidegate:", bad.Key), srv.Client()
	must(t, client.Del(t.Context(), at).Err())
	must(t, client.LPush(t.Context(), at, "x").Err())
	list, err := st.List(t.Context(), ada)
	keys, _ := sessionstore.Unreadable(err)
	if len(list) != 1 || list[0].Key != good.Key || len(keys) != 1 || keys[0] != bad.Key || !errors.Is(err, sessionstore.ErrCorrupt) {
		t.Fatalf("List answers %d sessions, %v; want the other one", len(list), err)
	}
	if n, err := st.RevokeUser(t.Context(), ada); n != 2 || err != nil {
		t.Fatalf("RevokeUser ended %d, %v; want both", n, err)
	}
}

func TestOnlyReadsAreRepeated(t *testing.T) {
	t.Run("a read is asked twice when its connection breaks, and no more", func(t *testing.T) {
		f := newFake(t, func([]string) (string, bool) { return "", false })
		_, err := store(t, f.url()).Get(t.Context(), sessionstore.Key{})
		cannotTell(t, err)
		if n := count(f.commands(), "GET"); n != 2 {
			t.Fatalf("GET was sent %d times; want 2", n)
		}
	})
	t.Run("a read whose second connection holds is answered", func(t *testing.T) {
		var asked atomic.Int32
		f := newFake(t, func(command []string) (string, bool) {
			if strings.EqualFold(command[0], "ZREM") {
				return ":0\r\n", true
			}
			return "$-1\r\n", asked.Add(1) > 1
		})
		if _, err := store(t, f.url()).Get(t.Context(), sessionstore.Key{}); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Fatalf("Get answers %v; want ErrNotFound", err)
		}
	})
	t.Run("a read that timed out is not asked again", func(t *testing.T) {
		f := newFake(t, func([]string) (string, bool) { return "", true })
		client := open(t, redis.Config{URL: f.url(), DialTimeout: patience, ReadTimeout: 20 * time.Millisecond})
		st := redis.New(client, sealer(t, "a secret"), redis.Options{Timeout: patience})
		_, err := st.Get(t.Context(), sessionstore.Key{})
		cannotTell(t, err)
		if n := count(f.commands(), "GET"); n != 1 {
			t.Fatalf("GET was sent %d times; want 1", n)
		}
	})
	t.Run("a server that takes no connections is not dialled again", func(t *testing.T) {
		t.Cleanup(func() { redis.LogTo(nil) })
		var dials atomic.Int32
		srv := redistest.Start(t)
		srv.Kill()
		redis.LogTo(func(string) { dials.Add(1) })
		_, err := store(t, srv.URL()).Get(t.Context(), sessionstore.Key{})
		cannotTell(t, err)
		if n := dials.Load(); n != 1 {
			t.Fatalf("%d connections were tried; want 1", n)
		}
	})
	t.Run("a write that may have been done is not sent again", func(t *testing.T) {
		for _, name := range []string{"Create", "Touch", "Take", "Return", "Hold", "Release", "Link"} {
			f := newFake(t, func([]string) (string, bool) { return "", false })
			cannotTell(t, calls()[name](t.Context(), store(t, f.url()), session(ada, time.Hour, 0)))
			if sent := f.commands(); count(sent, "EVALSHA") != 1 || count(sent, "EVAL") != 0 {
				t.Errorf("%s sent %v; want one EVALSHA", name, sent)
			}
		}
	})
}

func count(list []string, want string) int {
	return len(slices.DeleteFunc(list, func(s string) bool { return s != want }))
}
