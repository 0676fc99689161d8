package wire

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
)

// TestWhoeverLeavesAsItIsGivenAConnectionKeepsNoPlace: each would take one of
// max_conns_per_host with it, until nobody is served any more.
func TestWhoeverLeavesAsItIsGivenAConnectionKeepsNoPlace(t *testing.T) {
	for name, given := range map[string]func(*Transport, *conn){
		"a connection that is put away":                func(*Transport, *conn) {},
		"one that there is no room for":                func(t *Transport, _ *conn) { t.IdlePerHost = -1 },
		"one that is used once":                        func(t *Transport, _ *conn) { t.NoKeepAlive = true },
		"one that is not kept, as the pool was closed": func(t *Transport, _ *conn) { t.CloseIdleConnections() },
		"one that was closed meanwhile":                func(_ *Transport, c *conn) { c.kill() },
		"an error":                                     nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, app := net.Pipe()
				defer client.Close()
				defer app.Close()
				ours := &Transport{IdlePerHost: 1, Dial: func(context.Context, string, string) (net.Conn, error) {
					if given == nil {
						return nil, errors.New("nobody is there")
					}
					return client, nil
				}}
				gone, leave := context.WithCancel(t.Context())
				_, w := ours.pool.take(gone, ours, target{"tcp", "app"}, false, nil)
				came := <-w.got
				leave()
				left := make(chan error)
				go func() {
					_, err := ours.pool.await(gone, w)
					left <- err
				}()
				synctest.Wait() // until it has left, and only looks what it was given
				if given != nil {
					given(ours, came.c)
				}
				w.got <- came
				if err := <-left; err == nil {
					t.Error("it has not left")
				}
				if kept := idle(ours); w.host.open != kept || kept > 0 && name != "a connection that is put away" {
					t.Errorf("%d places are taken, and %d connections kept", w.host.open, kept)
				}
				ours.CloseIdleConnections() // and its timer
			})
		})
	}
}
