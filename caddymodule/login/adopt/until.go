package adopt

import (
	"context"
	"time"
)

const (
	// Notice is how long before people are adopted no more that is told of.
	Notice = 14 * day

	day = 24 * time.Hour
)

// EndsSoon reports whether nobody is adopted any more within Notice, and somebody still
// is.
func (l *Login) EndsSoon() bool { return !l.Over() && l.left() <= Notice }

func (l *Login) left() time.Duration { return l.config.Until.Sub(l.config.Now()) }

// Watch calls soon each day from Notice before Until on, and over then, unless the
// context is done before. Who starts it looks at EndsSoon.
func (l *Login) Watch(ctx context.Context, soon, over func()) {
	for left := l.left(); left > 0; left = l.left() {
		wait := min(left, day) // and no longer: the clock of the wall may be set
		if left > Notice {
			wait = min(left-Notice, day)
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		if l.EndsSoon() {
			soon()
		}
	}
	over()
}
