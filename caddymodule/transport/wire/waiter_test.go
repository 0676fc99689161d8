package wire_test

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"sync/atomic"
	"testing"

	"example.com/sidegate/caddymodule/transport/wire"
)

// hanging is a dialer whose dials wait until they are let, but for the first ones.
type hanging struct {
	counter
	first int64
	asked atomic.Int64
	begun chan struct{}
	let   chan error // what each comes to
}

func newHanging(first int64) *hanging {
	return &hanging{first: first, begun: make(chan struct{}, 99), let: make(chan error, 99)}
}

func (h *hanging) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if h.asked.Add(1) > h.first {
		h.begun <- struct{}{}
		if err := <-h.let; err != nil {
			return nil, err
		}
	}
	return h.counter.dial(context.WithoutCancel(ctx), network, address)
}

// An app with a short queue lets those wait for seconds that it has no room for.
func TestARequestTakesWhatBecomesFreeWhileItsDialHangs(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*wire.Transport) // before the dial comes to its end
		end    error
		open   int64 // when it has
	}{
		"and the late connection is kept":           {func(*wire.Transport) {}, nil, 2},
		"and it is closed where there is no room":   {func(t *wire.Transport) { t.IdlePerHost = 1 }, nil, 1},
		"and it is closed with the pool":            {func(t *wire.Transport) { t.CloseIdleConnections() }, nil, 0},
		"and an error of the dial is of no concern": {func(*wire.Transport) {}, errWhy, 1},
	} {
		t.Run(name, func(t *testing.T) {
			url, there, let := slow(t)
			dials := newHanging(1)
			ours := &wire.Transport{Dial: dials.dial, IdlePerHost: 9, MaxPerHost: 2}
			defer ours.CloseIdleConnections()
			served := make(chan outcome, 9)
			go func() { served <- askAs(t.Context(), ours, url, "first") }()
			await(t, "the first is there", func() bool { return there.Load() == 1 })
			go func() { served <- askAs(t.Context(), ours, url, "second") }()
			<-dials.begun
			let <- struct{}{}
			let <- struct{}{}
			for range 2 {
				if o := <-served; o.Fails || o.Body == "" {
					t.Fatal(brief(o))
				}
			}
			if n := dials.all.Load(); n != 1 {
				t.Errorf("there were %d connections", n)
			}
			c.change(ours)
			dials.let <- c.end
			await(t, "the dial is done", func() bool { return dials.n.Load() == c.open && (c.end != nil || dials.all.Load() == 2) })
			// Its place is nobody's: two have one again.
			dials.first = 99
			for range 2 {
				go func() { served <- askAs(t.Context(), ours, url, "again") }()
			}
			await(t, "two are there", func() bool { return there.Load() == 2 })
			close(let)
			for range 2 {
				if o := <-served; o.Body != "again" {
					t.Error(brief(o))
				}
			}
		})
	}
}

func TestALateConnectionIsForTheNextWhoWaits(t *testing.T) {
	url, _, let := slow(t)
	close(let)
	dials := newHanging(0)
	ours := &wire.Transport{Dial: dials.dial, MaxPerHost: 1}
	defer ours.CloseIdleConnections()
	ctx, leave := context.WithCancelCause(t.Context())
	served := make(chan outcome, 2)
	go func() { served <- askAs(ctx, ours, url, "first") }()
	<-dials.begun
	leave(errWhy)
	if o := <-served; !errors.Is(o.err, errWhy) {
		t.Fatal(brief(o))
	}
	waits := make(chan struct{})
	var got httptrace.GotConnInfo
	trace := &httptrace.ClientTrace{GetConn: func(string) { close(waits) }, GotConn: func(i httptrace.GotConnInfo) { got = i }}
	go func() { served <- askAs(httptrace.WithClientTrace(t.Context(), trace), ours, url, "second") }()
	<-waits
	dials.let <- nil
	if o := <-served; o.Body != "second" || dials.all.Load() != 1 || !got.Reused {
		t.Errorf("%s over %d connections, %+v", brief(o), dials.all.Load(), got)
	}
}

// A dial of its own is what reverse_proxy tries another app by.
func TestAnErrorOfADialIsToldToWhoWaitsForIt(t *testing.T) {
	url, _, let := slow(t)
	close(let)
	dials := newHanging(0)
	ours := &wire.Transport{Dial: dials.dial, MaxPerHost: 2}
	defer ours.CloseIdleConnections()
	served := make(chan outcome, 2)
	for range 2 {
		go func() { served <- askAs(t.Context(), ours, url, "one") }()
		<-dials.begun
	}
	dials.let <- errWhy
	if o := <-served; !errors.Is(o.err, errWhy) {
		t.Error(brief(o))
	}
	dials.let <- nil
	if o := <-served; o.Body != "one" {
		t.Error(brief(o))
	}
}

// It is on a goroutine that nobody else recovers.
func TestADialThatComesToNothingIsAnErrorAndLeavesItsPlace(t *testing.T) {
	for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
		"a panic": func(context.Context, string, string) (net.Conn, error) { panic("of a hook") },
		"nothing": func(context.Context, string, string) (net.Conn, error) { return nil, nil },
	} {
		ours := &wire.Transport{Dial: dial, MaxPerHost: 1}
		for range 3 {
			if o := ask(ours, requests["GET"]("http://127.0.0.1:1")); !o.Fails || errors.Is(o.err, context.DeadlineExceeded) {
				t.Errorf("%s: %s", name, brief(o))
			}
		}
	}
}
