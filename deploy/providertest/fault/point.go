package fault

import (
	"net/http"
	"sync/atomic"
)

// Point is a place of a server where a fault can be switched on. It counts
// what arrives there. The zero value has no fault.
type Point struct {
	fault atomic.Pointer[Fault]
	count atomic.Int64
}

// Break applies the fault, in place of the one before, from the next request
// on.
func (p *Point) Break(f Fault) { p.fault.Store(&f) }

// Mend ends the fault. Requests that it holds already are not released.
func (p *Point) Mend() { p.fault.Store(nil) }

// Count is how many requests have arrived, those included that a fault kept
// from the handler.
func (p *Point) Count() int { return int(p.count.Load()) }

// Around counts the requests to the handler, and breaks them when told to.
func (p *Point) Around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.count.Add(1)
		handler := next
		if f := p.fault.Load(); f != nil {
			handler = (*f)(next)
		}
		handler.ServeHTTP(w, r)
	})
}
