package endpoint

import (
	"net/http"
	"sync"

	"example.com/sidegate/caddymodule/login"
)

// places are for what so many may have at once, and one client not more than its share.
type places struct {
	all, each int

	mu    sync.Mutex
	taken int
	of    map[string]int // by client; who has none is not in it
}

func newPlaces(all, each int) *places { return &places{all: all, each: each, of: map[string]int{}} }

// take takes a place, which leave gives back: call it once.
func (p *places) take(client string) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken >= p.all || p.of[client] >= p.each {
		return nil, false
	}
	p.taken++
	p.of[client]++
	return func() { p.leave(client) }, true
}

func (p *places) leave(client string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	if p.of[client]--; p.of[client] == 0 {
		delete(p.of, client)
	}
}

// stay is a place while it is taken, and before.
type stay struct{ leave func() }

func (s *stay) begin(at *places, client string) (ok bool) {
	s.leave, ok = at.take(client)
	return ok
}

// end gives back what was taken, if anything was.
func (s *stay) end() {
	if s.leave != nil {
		s.leave()
	}
}

// placeOf names whose share a request's place is of: the network that it comes from, and
// behind a proxy that is not trusted what the proxy says of that, or all its people
// would have one share. Who makes that up has as many as there are, and no more.
func (a *Address) placeOf(r *http.Request) string {
	c := a.clientOf(r)
	if !c.Shared {
		return c.Network()
	}
	return c.Network() + ">" + login.Client{Addr: c.Told}.Network()
}
