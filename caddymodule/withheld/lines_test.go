package withheld_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/withheld"
)

func TestWhatPassesAndWhatIsWithheldIsAllThereWas(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	for name, c := range map[string]struct {
		pause time.Duration
		burst int64
		after []time.Duration // when each comes
		pass  int
	}{
		"one a second":                        {0, 1, []time.Duration{0, 0, 999 * time.Millisecond, time.Second, time.Second}, 2},
		"a few at first":                      {0, 3, []time.Duration{0, 0, 0, 0, time.Second, time.Second}, 4},
		"one a minute":                        {time.Minute, 1, []time.Duration{0, 30 * time.Second, time.Minute}, 2},
		"a clock that goes back withholds it": {0, 1, []time.Duration{time.Hour, 0, 0}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			l, passed := withheld.Lines{Pause: c.pause}, 0
			for _, after := range c.after {
				if l.Take(at.Add(after), c.burst) {
					passed++
				}
			}
			if rest := int(l.Rest()); passed != c.pass || passed+rest != len(c.after) {
				t.Errorf("%d pass and %d are withheld; want %d of %d to pass", passed, rest, c.pass, len(c.after))
			}
			if rest := l.Rest(); rest != 0 {
				t.Errorf("%d are told of twice", rest)
			}
		})
	}
}

func TestNothingIsLostWhereManyTellAtOnce(t *testing.T) {
	var l withheld.Lines
	var told atomic.Int64
	at := time.Unix(1_000_000, 0)
	const each, who = 1000, 8
	var all sync.WaitGroup
	for range who {
		all.Go(func() {
			for i := range each {
				if l.Tell(at.Add(time.Duration(i) * time.Millisecond * 10)) {
					told.Add(1 + l.Rest())
				}
			}
		})
	}
	all.Wait()
	if n := told.Load() + l.Rest(); n != each*who {
		t.Errorf("the log knows of %d; want %d", n, each*who)
	}
}
