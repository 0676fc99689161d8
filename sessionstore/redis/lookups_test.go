package redis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// crowdSize is how many have a session in these tests; every fifth of those who are
// looked up has none.
const crowdSize = 200

// crowd signs people in, one session each.
func crowd(t *testing.T, st *redis.Store) []*sessionstore.Session {
	t.Helper()
	all := make([]*sessionstore.Session, crowdSize)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i] = create(t, st, int64(i+1)) })
	}
	wg.Wait()
	return all
}

// askAll looks a thousand sessions up at the same time, of whom a third go while
// they wait, and requires that nobody is told anything of another.
func askAll(t *testing.T, st *redis.Store, all []*sessionstore.Session) (answered int64) {
	var left, none atomic.Int64
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if rand.IntN(3) == 0 {
				time.AfterFunc(time.Duration(rand.IntN(3000))*time.Microsecond, cancel)
			}
			key, made := sessionstore.NewSecret(int64(i+1)).Key(), i%5 == 0
			if made && i%10 == 0 {
				ctx = sessionstore.Guess(ctx)
			}
			if !made {
				key = all[i%crowdSize].Key
			}
			s, err := st.Get(ctx, key)
			switch {
			case errors.Is(err, context.Canceled):
				left.Add(1)
			case made && errors.Is(err, sessionstore.ErrNotFound):
				none.Add(1)
			case made || err != nil || s.Key != key || s.User.ID != all[i%crowdSize].User.ID:
				t.Errorf("look-up %d is answered with %+v, %v", i, s, err)
			}
		})
	}
	wg.Wait()
	t.Logf("%d left, %d were told that there is none", left.Load(), none.Load())
	return 1000 - left.Load()
}

func TestAThousandLookUpsAtOnceAreEachAnsweredForTheirOwnKey(t *testing.T) {
	t.Run("by a server, in fewer writes than there are look-ups", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		all, client := crowd(t, st), srv.Client()
		for range rounds(20) {
			before := reads(t, client)
			answered := askAll(t, st, all)
			// One of them is our own question, and made-up keys that are no guess
			// are a write each: every tenth.
			if n := reads(t, client) - before; n > 100+answered/2 {
				t.Errorf("there were %d writes for %d look-ups", n, answered)
			}
		}
	})
	t.Run("by a cluster whose slots move meanwhile", func(t *testing.T) {
		n := redistest.StartCluster(t)
		st := inCluster(t, n, redis.Options{})
		all := crowd(t, st)
		for range rounds(10) {
			var moving sync.WaitGroup
			moving.Go(func() {
				for id := range int64(3) {
					n.MoveSlot(keyOf(id + 1))
				}
			})
			askAll(t, st, all)
			moving.Wait()
		}
	})
	t.Run("by a cluster of which a slot is on its way", func(t *testing.T) {
		n := redistest.StartCluster(t)
		st := inCluster(t, n, redis.Options{})
		all := crowd(t, st)
		end := n.BeginMove(keyOf(ada))
		askAll(t, st, all)
		end()
		askAll(t, st, all)
	})
}

// reads is how often a server has had something to read.
func reads(t *testing.T, client *goredis.Client) (n int64) {
	t.Helper()
	info, err := client.Info(t.Context(), "stats").Result()
	must(t, err)
	_, after, _ := strings.Cut(info, "total_reads_processed:")
	if _, err := fmt.Sscan(after, &n); err != nil {
		t.Fatalf("redis does not say how often it has read: %v", err)
	}
	return n
}

func TestALookUpIsOneWriteOfOneServer(t *testing.T) {
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	s := create(t, st, ada)
	client := srv.Client()
	before := reads(t, client)
	get(t, st, s.Key)
	if n := reads(t, client) - before - 1; n != 1 { // less our own question
		t.Errorf("there were %d writes; want one", n)
	}
}

// A server that is late with one key is late with all that it was asked behind it;
// those leave when their own time is over, and who waits on gets their own answer.
func TestAKeyThatIsAnsweredLateHoldsNobodyPastTheirDeadline(t *testing.T) {
	key := sessionstore.NewSecret(ada).Key()
	late, released := recordAt("sidegate:", key), make(chan struct{})
	f := newFake(t, func(command []string) (string, bool) {
		switch {
		case !strings.EqualFold(command[0], "get"):
			return ":-1\r\n", true
		case command[1] == late:
			<-released
		}
		return "$-1\r\n", true
	})
	st := store(t, f.url())
	guess := sessionstore.Guess(t.Context())
	patient := make(chan error, 1)
	go func() { _, err := st.Get(guess, key); patient <- err }()
	eventually(t, "the late key is asked for", func() bool { return count(f.commands(), "GET") == 1 })
	var hasty sync.WaitGroup
	for i := range 50 {
		hasty.Go(func() {
			ctx, cancel := context.WithTimeout(guess, time.Duration(i+1)*time.Millisecond)
			defer cancel()
			of := key // of the late key itself, or of one behind it
			if i%2 == 0 {
				of = sessionstore.NewSecret(ada).Key()
			}
			if _, err := st.Get(ctx, of); ctx.Err() == nil && !errors.Is(err, sessionstore.ErrNotFound) {
				t.Errorf("who had time left was answered with %v", err)
			} else if ctx.Err() != nil && err == nil {
				t.Error("who had no time left was answered with a session")
			}
		})
	}
	hasty.Wait() // while the late key still is not answered
	close(released)
	if err := <-patient; !errors.Is(err, sessionstore.ErrNotFound) {
		t.Errorf("who waited for the late key was answered with %v; want ErrNotFound", err)
	}
}

// A replica does not know of all sessions: who is sent on is answered by whom it
// was sent to, and as before nobody is signed out by a server that must not tell.
func TestLookUpsThatWaitTogetherAreNotSignedOutByAReplica(t *testing.T) {
	f := newFake(t, func(command []string) (string, bool) {
		switch strings.ToUpper(command[0]) {
		case "GET":
			return "$-1\r\n", true
		case "PTTL":
			return ":-2\r\n", true
		}
		return "-READONLY You can't write against a read only replica.\r\n", true
	})
	st := store(t, f.url())
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			_, err := st.Get(t.Context(), sessionstore.NewSecret(ada).Key())
			if err == nil || errors.Is(err, sessionstore.ErrNotFound) || !goredis.IsReadOnlyError(err) {
				t.Errorf("answered with %v; want that the server is a replica", err)
			}
		})
	}
	wg.Wait()
}
