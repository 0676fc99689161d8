// Package withheld bounds how many lines a log has of what others decide how often
// it happens, and counts those that it does not have.
package withheld

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Every is how often a log is told of one kind of thing where Lines say nothing
// else: requests fail by the thousand, and one line says as much.
const Every = time.Second

// Lines are those of one kind. The zero value lets one pass a second. It is safe for
// concurrent use.
type Lines struct {
	// Pause is how often one may pass. Default: Every.
	Pause time.Duration

	toldTo   atomic.Int64 // unix nanoseconds: until then the log has been told enough
	withheld atomic.Int64
}

// Tell reports whether the log is to be told, or was just now.
func (l *Lines) Tell(at time.Time) bool { return l.Take(at, 1) }

// Take is Tell that lets as many pass at once, one more each Pause.
func (l *Lines) Take(at time.Time, burst int64) bool {
	pause := int64(l.Pause)
	if pause == 0 {
		pause = int64(Every)
	}
	now, before := at.UnixNano(), l.toldTo.Load()
	to := max(now, before)
	if to-now > (burst-1)*pause || !l.toldTo.CompareAndSwap(before, to+pause) {
		l.withheld.Add(1)
		return false
	}
	return true
}

// Rest is how many lines were withheld since it was last asked: with those that have
// passed they are all there were.
func (l *Lines) Rest() int64 { return l.withheld.Swap(0) }

// Return puts back what Rest has taken and nobody was told of.
func (l *Lines) Return(n int64) { l.withheld.Add(n) }

// More is Rest as the line says it that passes.
func (l *Lines) More() zap.Field { return More(l.Rest()) }

// More says in a line how many there would have been before it.
func More(n int64) zap.Field { return zap.Int64("more_since_last", n) }
