package redis_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// counter counts the operations that get as far as the network, a batch of look-ups
// as one.
type counter struct{ sent atomic.Int32 }

func (c *counter) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (c *counter) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		if cmds[0].Name() != "hello" {
			c.sent.Add(1)
		}
		return next(ctx, cmds)
	}
}

func (c *counter) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		if cmd.Name() != "hello" {
			c.sent.Add(1)
		}
		return next(ctx, cmd)
	}
}

// SIGSTOP: the kernel takes connections, and nobody ever answers.
func TestAHungServerCostsRequestsNextToNothing(t *testing.T) {
	srv := redistest.Start(t)
	client, err := redis.Open(redis.Config{URL: srv.URL()})
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	network := new(counter)
	client.AddHook(network)
	st := redis.New(client, sealer(t, "a secret"), redis.Options{})
	s := create(t, store(t, srv.URL()), ada)
	works(t, st) // it has a connection

	srv.Pause()
	for range 5 {
		_, err := st.Get(t.Context(), s.Key)
		cannotTell(t, err)
	}
	const many = 20_000
	began, before, goroutines := time.Now(), network.sent.Load(), runtime.NumGoroutine()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range many / 8 {
				if _, err := st.Get(t.Context(), s.Key); err == nil || errors.Is(err, sessionstore.ErrNotFound) {
					t.Errorf("Get answers %v; want an error that is no definite answer", err)
					return
				}
			}
		})
	}
	wg.Wait()
	// One probe per pause, and the pause grows: in a minute there are 34.
	if n := network.sent.Load() - before; n > 34*int32(1+time.Since(began)/time.Minute) {
		t.Errorf("%d of %d requests went to the network; want only the probes", n, many)
	}
	if n := runtime.NumGoroutine(); n > goroutines+50 {
		t.Errorf("there are %d goroutines after %d requests, and were %d before", n, many, goroutines)
	}
	srv.Resume()
	worksAgain(t, st, s)
}
