package faults_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// verdict is what an answer means for who asked.
type verdict int

const (
	right       verdict = iota // served as who they are
	wrong                      // served as somebody else
	signedOut                  // somebody who is signed in was told otherwise
	letIn                      // somebody without a session was served
	refused                    // somebody without a session was not
	unavailable                // told to come again: 503, or 500 for the session
	unreached                  // nobody listened there
	unanswered                 // not answered at all
	torn                       // answered half
	odd                        // anything else
	verdicts
)

func (v verdict) String() string {
	return [...]string{"right", "wrong", "signed out", "let in", "refused", "unavailable", "unreached", "unanswered", "torn", "odd"}[v]
}

// asked is one person at one gateway, by their places in the load.
type asked struct{ person, gateway int }

// tally counts answers by what they mean.
type tally struct {
	repeated [verdicts]atomic.Int64 // requests that were made again, by why

	mu      sync.Mutex
	counts  [verdicts]int
	served  map[asked]time.Time // when the last request was made that was served
	took    []time.Duration     // since watch
	trouble window              // since watch
}

// window is from the first to the last request that was told to come again.
type window struct{ first, last time.Time }

func newTally() *tally { return &tally{served: make(map[asked]time.Time)} }

func (y *tally) note(who asked, v verdict, sent time.Time) {
	answered := time.Now()
	y.mu.Lock()
	defer y.mu.Unlock()
	y.counts[v]++
	y.took = append(y.took, answered.Sub(sent))
	if v == right && sent.After(y.served[who]) {
		y.served[who] = sent
	}
	if v == unavailable {
		if y.trouble.first.IsZero() {
			y.trouble.first = answered
		}
		y.trouble.last = answered
	}
}

func (y *tally) count(v verdict) int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.counts[v]
}

func (y *tally) servedSince(who asked, since time.Time) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.served[who].After(since)
}

// watch begins latencies and the window of trouble anew.
func (y *tally) watch() {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.took, y.trouble = nil, window{}
}

// errorWindow is how long there were errors since watch; 0 when there were none.
func (y *tally) errorWindow() time.Duration {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.trouble.last.Sub(y.trouble.first)
}

// errorsAfter is how long errors went on after a moment.
func (y *tally) errorsAfter(moment time.Time) time.Duration {
	y.mu.Lock()
	defer y.mu.Unlock()
	return max(0, y.trouble.last.Sub(moment))
}

// latencies are how long answers took since watch.
func (y *tally) latencies() spread {
	y.mu.Lock()
	defer y.mu.Unlock()
	return slices.Clone(y.took)
}

// String counts everything, for a row of the table of faults.
func (y *tally) String() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	all := 0
	for _, n := range y.counts {
		all += n
	}
	return fmt.Sprintf("%d answers: %d served, %d told to come again; 401s to people signed in: %d; let in without a session: %d; wrong identities: %d; no answer: %d",
		all, y.counts[right], y.counts[unavailable], y.counts[signedOut], y.counts[letIn], y.counts[wrong], y.counts[unreached]+y.counts[unanswered]+y.counts[torn])
}

// wantMostServed demands that somebody was served, and in a long run so many
// times as many as were told to come again: a machine that is busy is late.
func (y *tally) wantMostServed(t *testing.T, times int) {
	t.Helper()
	served, late := y.count(right), y.count(unavailable)
	if served == 0 || gatewaytest.Long() && served < times*late {
		t.Errorf("%d requests were served, and %d told to come again", served, late)
	}
}

// spread is durations to be summed up.
type spread []time.Duration

// quantile is the duration that a share of all does not exceed.
func (s spread) quantile(share float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))].Round(100 * time.Microsecond)
}

func (s spread) String() string {
	return fmt.Sprintf("p50 %v, p99 %v, max %v", s.quantile(0.5), s.quantile(0.99), s.quantile(1))
}

func TestFaultTallyTellsWhatAnAnswerMeans(t *testing.T) {
	y := newTally()
	begun := time.Now()
	for _, v := range []verdict{right, unavailable, right, wrong, unavailable} {
		y.note(asked{1, 0}, v, time.Now())
	}
	if y.count(right) != 2 || y.count(wrong) != 1 || y.count(unavailable) != 2 || y.count(letIn) != 0 {
		t.Errorf("counted: %s", y)
	}
	if !y.servedSince(asked{1, 0}, begun) || y.servedSince(asked{1, 1}, begun) || y.servedSince(asked{1, 0}, time.Now()) {
		t.Error("who was served where, and when, is not told apart")
	}
	if y.errorWindow() <= 0 || y.errorWindow() > time.Since(begun) {
		t.Errorf("the errors took %v", y.errorWindow())
	}
	if y.watch(); y.errorWindow() != 0 || len(y.latencies()) != 0 {
		t.Error("what was before is remembered")
	}
	s := spread{4 * time.Second, time.Second, 3 * time.Second, 2 * time.Second}
	if s.quantile(0.5) != 3*time.Second || s.quantile(1) != 4*time.Second || spread(nil).quantile(0.5) != 0 {
		t.Errorf("quantiles: %v", s)
	}
}
