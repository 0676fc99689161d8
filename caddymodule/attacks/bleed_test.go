package attacks_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// person is somebody with a session of their own.
type person struct {
	id     int64
	email  string
	client *gatewaytest.Client
	token  string
}

// errUntold says that the store was too slow, on a machine that tests much at
// once. It is an answer about nobody, and so nobody's by mistake.
var errUntold = errors.New("the store could not be asked in time")

// A connection, a buffer or a cache entry that is handed on in the wrong
// moment gives one person's answer to another; a client that goes away in the
// midst of a request is what brings the wrong moment about.
func TestNobodyIsTakenForSomebodyElse(t *testing.T) {
	for name, s := range gatewaytest.Stores(t) {
		t.Run("with the store "+name, func(t *testing.T) {
			s.Upstream = gatewaytest.NewEcho(t).Address()
			s.Dir = t.TempDir()
			const count = 50
			gatewaytest.WriteFile(t, filepath.Join(s.Dir, "users.yaml"), gatewaytest.UsersFileOf(count))
			gateway := gatewaytest.Start(t, s)
			var answered, aborted, untold atomic.Int64
			var people sync.WaitGroup
			for i := range count {
				p := &person{id: int64(i + 1), email: gatewaytest.EmailOf(i + 1), client: gateway.Client(t)}
				p.token = p.client.SignIn(p.email).Token
				people.Go(func() {
					for range gatewaytest.Rounds(20, 6000) {
						switch err := p.ask(t); {
						case err == nil:
							answered.Add(1)
						case errors.Is(err, context.DeadlineExceeded):
							aborted.Add(1)
						case errors.Is(err, errUntold):
							untold.Add(1)
						default:
							t.Errorf("user %d: %v", p.id, err)
							return
						}
					}
				})
			}
			people.Wait()
			// One client's going away must not be another's trouble: how seldom a
			// request is not told anything is a figure of the long form.
			if aborted.Load() == 0 || answered.Load() == 0 || gatewaytest.Long() && answered.Load() < 20*untold.Load() {
				t.Errorf("%d requests were answered, %d aborted and %d not told: too few aborted, or too many not told",
					answered.Load(), aborted.Load(), untold.Load())
			}
			t.Logf("%d requests answered, %d aborted, %d not told", answered.Load(), aborted.Load(), untold.Load())
		})
	}
}

// ask makes one request, by cookie or by token, to the app or to the session;
// a third of them the person does not wait for.
func (p *person) ask(t *testing.T) error {
	c := *p.client
	if rand.IntN(2) == 0 {
		c.Cookie, c.Bearer = "", p.token
	}
	ctx, cancel := context.WithTimeout(context.Background(), gatewaytest.Patience)
	defer cancel()
	if rand.IntN(3) == 0 {
		var hasty context.CancelFunc
		ctx, hasty = context.WithTimeout(ctx, rand.N(5*time.Millisecond))
		defer hasty()
	}
	if rand.IntN(2) == 0 {
		a, err := c.Try(ctx, http.MethodGet, "/app", "")
		return p.check(a, err, a.Seen("User"), a.Seen("Email"))
	}
	a, err := c.Try(ctx, http.MethodGet, "/auth/session", "")
	if err != nil || a.StatusCode != http.StatusOK {
		return p.check(a, err, "", "")
	}
	u := a.Session(t)
	return p.check(a, err, fmt.Sprint(u.ID), u.Email)
}

func (p *person) check(a gatewaytest.Answer, err error, id, email string) error {
	switch {
	case err != nil:
		return err
	case a.StatusCode == http.StatusInternalServerError, a.StatusCode == http.StatusServiceUnavailable:
		return errUntold
	case a.StatusCode != http.StatusOK:
		return fmt.Errorf("answered with %s %s", a.Status, a.Body)
	case id != fmt.Sprint(p.id) || email != p.email:
		return fmt.Errorf("taken for user %s, %s", id, email)
	}
	return nil
}
