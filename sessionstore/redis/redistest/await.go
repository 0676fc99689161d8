package redistest

import (
	"context"
	"fmt"
	"os"
	"time"
)

const (
	// Patience bounds every wait for a server. Only a test that fails waits so
	// long, for a machine that tests much at once is slow.
	Patience = 2 * time.Minute
	// pollEvery is how often a server is asked.
	pollEvery = 5 * time.Millisecond
)

// failureShows is after how many milliseconds without an answer the others
// take a server for dead. With less than a second sentinels take a new primary
// for one that is down, since they have not connected to it yet, and fail over
// again and again. Figures are taken with the short one, on a machine that has
// nothing else to do; on one that is busy a server may be late for longer.
func failureShows(shortest int) int {
	if os.Getenv("SIDEGATE_LONG") != "" {
		return shortest
	}
	return 2500
}

// until asks again and again until something holds or the server has exited.
// What it says of why it gave up ends with what there was instead.
func (s *Server) until(what string, holds func(context.Context) bool, state ...func() string) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !holds(ctx) {
		select {
		case <-s.exited:
			return fmt.Errorf("redis-server exited before %s:\n%s", what, s.log.String())
		case <-ctx.Done():
			instead := ""
			for _, describe := range state {
				instead += "; instead there is " + describe()
			}
			return fmt.Errorf("waited %v in vain until %s%s; redis-server said:\n%s", Patience, what, instead, s.log.String())
		case <-tick.C:
		}
	}
	return nil
}

// await is until, for what must hold in the end.
func (s *Server) await(what string, holds func(context.Context) bool, state ...func() string) {
	s.t.Helper()
	if err := s.until(what, holds, state...); err != nil {
		s.t.Fatal(err)
	}
}
