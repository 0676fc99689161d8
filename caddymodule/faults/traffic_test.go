package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// traffic is people at work at a gateway. Each answer that is not a signed-in
// person's fails the test.
type traffic struct {
	t        testing.TB
	gateway  *gatewaytest.Process
	done     atomic.Int64
	repeated atomic.Int64
	ctx      context.Context
	cancel   context.CancelFunc
	people   sync.WaitGroup
	onlooker *gatewaytest.Client
}

// workers is how many people are at work at once.
const workers = 8

func startTraffic(t *testing.T, gateway *gatewaytest.Process) *traffic {
	t.Helper()
	w := &traffic{t: t, gateway: gateway, onlooker: gateway.Client(t)}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.onlooker.SignIn(gatewaytest.Ada)
	for i := range workers {
		email, id := gatewaytest.Ada, int64(1)
		if i%2 == 1 {
			email, id = gatewaytest.Grace, 2
		}
		c := gateway.Client(t)
		c.SignIn(email)
		w.people.Go(func() { w.work(c, email, id) })
	}
	return w
}

// work is one person's: the app, the session, and every now and then a sign-in
// somewhere else, until the traffic stops or something is wrong.
func (w *traffic) work(c *gatewaytest.Client, email string, id int64) {
	for n := 1; w.ctx.Err() == nil; n++ {
		if err := w.step(c, email, id, n); err != nil {
			w.t.Errorf("%s at work: %v", email, err)
			return
		}
		w.done.Add(1)
	}
}

func (w *traffic) step(c *gatewaytest.Client, email string, id int64, n int) error {
	app, err := w.ok(c, http.MethodGet, "/app", "")
	if err == nil && app.Seen("User") != fmt.Sprint(id) {
		err = fmt.Errorf("the app took user %d for %q", id, app.Seen("User"))
	}
	if err != nil {
		return err
	}
	session, err := w.ok(c, http.MethodGet, "/auth/session", "")
	if err == nil && session.Session(w.t).ID != id {
		err = fmt.Errorf("the session of user %d is %s", id, session.Body)
	}
	if err != nil || n%10 != 0 {
		return err
	}
	elsewhere := w.gateway.Client(w.t)
	_, err = w.ok(elsewhere, http.MethodPost, "/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, email, gatewaytest.Password),
		"Content-Type", "application/json")
	if err == nil {
		_, err = w.ok(elsewhere, http.MethodGet, "/auth/session", "")
	}
	return err
}

// repeats bounds how often a request is repeated.
const repeats = 3

// ok makes a request that must be answered with 200. One whose connection
// ended before there was any answer is repeated, as browsers and proxies do
// (RFC 9112 section 9.3.1): a server that is replaced ends connections that it
// has not accepted, or not read a request from. An answer is never asked for
// again. The key makes net/http repeat a POST too when a connection that it
// kept was ended.
func (w *traffic) ok(c *gatewaytest.Client, method, path, body string, header ...string) (a gatewaytest.Answer, err error) {
	header = append(header, "Idempotency-Key", "of this request")
	for try := 0; try <= repeats; try++ {
		if a, err = ok(c, method, path, body, header...); a.Response != nil {
			break
		}
		w.repeated.Add(1)
	}
	return a, err
}

// ok is try for an answer that must be 200.
func ok(c *gatewaytest.Client, method, path, body string, header ...string) (gatewaytest.Answer, error) {
	a, err := c.Try(context.Background(), method, path, body, header...)
	if err == nil && a.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s %s", method, path, a.Status, a.Body)
	}
	return a, err
}

// probe is one request of a person who is signed in since the beginning.
func (w *traffic) probe(t *testing.T) gatewaytest.Answer {
	t.Helper()
	a, err := w.ok(w.onlooker, http.MethodGet, "/app", "")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// awaitMore waits until everybody could have done something since.
func (w *traffic) awaitMore(t *testing.T) {
	t.Helper()
	before := w.done.Load()
	gatewaytest.Await(t, "the people at work have done more", func() bool {
		return t.Failed() || w.t.Failed() || w.done.Load() >= before+workers
	}, func() string { return fmt.Sprint(w.done.Load()-before, " rounds of work") })
}

func (w *traffic) stop() {
	w.cancel()
	w.people.Wait()
	w.t.Logf("%d rounds of work were done; %d requests had to be repeated", w.done.Load(), w.repeated.Load())
}
