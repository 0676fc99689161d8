package adminapi

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// Who is told to ask again when the gateway is ready is told of no failure of the past
// then.
func TestACountThatFailedIsForgottenAsSoonAsTheGatewayIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		a := newAsking(t, s, time.Now)
		s.add(t, 1, "ada@example.com", "users", time.Now())
		s.away.Store(true)
		for range 3 {
			if code, body := a.ask(t.Context(), http.MethodGet, "/sidegate/count"); code != http.StatusServiceUnavailable {
				t.Errorf("%d %s", code, body)
			}
		}
		if n := s.counts.Load(); n != 1 {
			t.Errorf("the store is asked %d times within the time for which ready keeps its answer", n)
		}
		s.away.Store(false)
		<-time.After(readyFor)
		var got struct{ Count int }
		if a.want(http.MethodGet, "/sidegate/count", &got); got.Count != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

// A count that fails at the end has cost the store as much as one that does not.
func TestTheStoreIsLeftAloneAsLongAsACountThatFailedTook(t *testing.T) {
	for took, pause := range map[time.Duration]time.Duration{3 * time.Second: 3 * time.Second, time.Minute: countEvery} {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf()
			s.counting = make(chan struct{}, 1)
			a := newAsking(t, s, time.Now)
			s.away.Store(true)
			go func() { <-time.After(took); s.counting <- struct{}{} }()
			a.ask(t.Context(), http.MethodGet, "/sidegate/count")
			failed := time.Now()
			s.away.Store(false)
			<-time.After(readyFor)
			s.counting <- struct{}{}
			var got struct{ Count int }
			a.want(http.MethodGet, "/sidegate/count", &got)
			if waited := time.Since(failed); waited != pause || s.counts.Load() != 2 {
				t.Errorf("after one that took %v the next begins %v later", took, waited)
			}
		})
	}
}
