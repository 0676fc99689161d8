package streams

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

func TestWhatIsToBeCutOffWaitsForNoLookThatHangs(t *testing.T) {
	var e ends
	told := make(chan Cut, 1)
	k := &Keeper{Cut: func(c Cut) { told <- c }}
	e.add(ending{k, Cut{Why: Revoked}, []*Stream{new(Stream), new(Stream)}})
	if c := <-told; c.Streams != 2 || c.Why != Revoked {
		t.Errorf("cut off: %+v", c)
	}
}

// halfConn is a connection whose client goes away when it is hung up on.
type halfConn struct {
	net.Conn
	goes func()
}

func (c halfConn) CloseWrite() error {
	go c.goes()
	return nil
}

func TestWhoGoesAwayWhenHungUpOnIsToldOfAsCut(t *testing.T) {
	w, key := NewWatch(), sessionstore.NewSecret(1).Key()
	session := &sessionstore.Session{Key: key}
	s, gone := new(Stream), make(chan struct{})
	s.Begin(w, nil, nearcache.Uncached(session), Asked{}, subscriber(nil))
	conn := halfConn{goes: func() { s.End(); close(gone) }}
	s.Request(httptest.NewRequestWithContext(KeepConn(t.Context(), conn), http.MethodGet, "/", nil))
	s.become(lasting)
	var told []Cut
	one := ending{keeper: &Keeper{Cut: func(c Cut) { told = append(told, c) }}, cut: Cut{Session: session, Why: Revoked}, streams: []*Stream{s}}
	hangUp([]ending{one})
	<-gone
	for range 2 {
		one.cutOff()
	}
	if len(told) != 1 || told[0].Streams != 1 {
		t.Errorf("told of %+v", told)
	}
}
