package audit

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"example.com/sidegate/caddymodule/withheld"
)

const (
	// mostLines bounds the lines that wait for being written.
	mostLines = 4096
	// linePatience is how long it is waited for a line before whoever made it happen
	// goes on.
	linePatience = time.Second
	// flushTime is how long the end of a configuration waits for the lines, and for the
	// log that tells of those that are given up.
	flushTime = time.Second
	// stallEvery is how often the log tells of one that takes no lines.
	stallEvery = time.Minute
)

// stallRemedy is what to do about an output that takes no lines.
const stallRemedy = "see that what is behind the `output` of the audit log reads what it is sent, or write a file, and have that sent on"

// writer writes the lines, one after the other and behind whoever makes something happen:
// an output that takes none, like a collector that does not read, holds nobody up for more
// than linePatience, and nobody at all from then on until it has caught up. It is safe for
// concurrent use, and holds no lock while it writes.
type writer struct {
	logger *zap.Logger // that tells of it, which is not the audit log
	now    func() time.Time
	lost   func(int64) // hears of how many lines are lost. nil: nobody does
	ofLost func(int64) *line

	mu      sync.Mutex
	queue   []*line
	idle    chan struct{} // closed when all is written; nil: all is
	stall   chan struct{} // closed when nobody waits any more
	stalled bool
	all     int64 // lines that are lost
	missing int64 // of those, the ones that the audit log does not tell of yet

	telling                atomic.Bool
	stalls, gaps, panicked withheld.Lines
}

// line is one that is to be written.
type line struct {
	entry  *zapcore.CheckedEntry
	fields []zap.Field
	// stands is for how many it stands: itself, and those that it says there were more.
	stands  int64
	written chan struct{}
}

// newWriter returns a writer. ofLost makes the line that tells of how many are lost; nil
// where there is to be none.
func newWriter(c Config, ofLost func(int64) *line) *writer {
	return &writer{
		logger: c.Logger, now: c.Now, lost: c.Lost, ofLost: ofLost, stall: make(chan struct{}),
		stalls: withheld.Lines{Pause: stallEvery}, gaps: withheld.Lines{Pause: stallEvery}, panicked: withheld.Lines{Pause: stallEvery},
	}
}

func newLine(c *zapcore.CheckedEntry, fields []zap.Field, stands int64) *line {
	return &line{entry: c, fields: fields, stands: stands, written: make(chan struct{})}
}

// write has a line written, and in ordinary times returns when it is: an answer that is
// there has its line.
func (w *writer) write(one *line) {
	stall, room := w.put(one)
	if !room {
		w.lose(one.stands)
		return
	}
	late := time.NewTimer(linePatience)
	defer late.Stop()
	select {
	case <-one.written:
	case <-stall:
	case <-late.C:
		w.isLate(one)
	}
}

// put has a line wait for its turn, where there is room. Stall is closed when it is not
// worth it to wait for it.
func (w *writer) put(one *line) (stall chan struct{}, room bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) >= mostLines {
		return nil, false
	}
	w.queue = append(w.queue, one)
	if w.idle == nil {
		w.idle = make(chan struct{})
		go w.run()
	}
	return w.stall, true
}

// run writes until there is no more: nothing goes on where nothing waits.
func (w *writer) run() {
	for one := w.next(); one != nil; one = w.next() {
		w.writeOne(one)
		w.mu.Lock()
		close(one.written)
		w.mu.Unlock()
	}
}

// next is the line whose turn it is. When all are written there is one of those that were
// lost meanwhile, and then none.
func (w *writer) next() *line {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) > 0 {
		one := w.queue[0]
		w.queue[0], w.queue = nil, w.queue[1:]
		return one
	}
	w.queue = nil
	if n := w.missing; n > 0 {
		w.missing = 0
		if one := w.ofLost(n); one != nil {
			return one
		}
	}
	close(w.idle)
	w.idle = nil
	if w.stalled {
		w.stalled, w.stall = false, make(chan struct{})
	}
	return nil
}

// writeOne outlives an output that panics: the process is there for more than its log.
func (w *writer) writeOne(one *line) {
	defer func() {
		if what := recover(); what != nil {
			w.tell(&w.panicked, zap.ErrorLevel, "the output of the audit log panicked, and a line is lost; sessions are as they were",
				zap.Int64("lines", w.count(one.stands)), zap.String("panic", shown(fmt.Sprint(what), longestWhy)))
		}
	}()
	one.entry.Write(one.fields...)
}

// isLate has nobody wait any more, unless the line has just been written.
func (w *writer) isLate(one *line) {
	w.mu.Lock()
	found := !w.stalled
	select {
	case <-one.written:
		found = false
	default:
	}
	if found {
		w.stalled = true
		close(w.stall)
	}
	w.mu.Unlock()
	if found {
		w.tell(&w.stalls, zap.WarnLevel, "the output of the audit log takes no lines: they wait, and nobody waits for them any more",
			zap.Int("room", mostLines), zap.String("remedy", stallRemedy))
	}
}

// lose tells of lines that find no place.
func (w *writer) lose(n int64) {
	w.tell(&w.gaps, zap.ErrorLevel, "lines of the audit log are lost: its output takes none, and too many wait",
		zap.Int64("lines", w.count(n)), zap.String("remedy", stallRemedy))
}

// count counts lines that will not be written, and returns how many there are by now.
func (w *writer) count(n int64) int64 {
	if w.lost != nil {
		w.lost(n)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.missing += n
	w.all += n
	return w.all
}

// tell has the other log told. That may have the same output, so nobody waits for it
// either, and there is one line of it at a time.
func (w *writer) tell(bound *withheld.Lines, level zapcore.Level, message string, fields ...zap.Field) {
	if !w.telling.CompareAndSwap(false, true) {
		return
	}
	if !bound.Tell(w.now()) {
		w.telling.Store(false)
		return
	}
	go func() {
		defer w.telling.Store(false)
		w.logger.Log(level, message, fields...)
	}()
}

// settle waits until all lines are written, for flushTime at most.
func (w *writer) settle() {
	w.mu.Lock()
	idle := w.idle
	w.mu.Unlock()
	if idle != nil {
		within(flushTime, idle)
	}
}

// close is settle, and then gives up what still waits, so that a process ends whose audit
// log nobody reads.
func (w *writer) close() {
	w.settle()
	w.mu.Lock()
	left := int64(0)
	for _, one := range w.queue {
		left += one.stands
	}
	w.queue = nil
	w.mu.Unlock()
	if left == 0 {
		return
	}
	lines, told := w.count(left), make(chan struct{})
	go func() {
		defer close(told)
		w.logger.Error("lines of the audit log are lost: its output takes none, and the configuration ends",
			zap.Int64("lines", lines), zap.String("remedy", stallRemedy))
	}()
	within(flushTime, told)
}

func within(most time.Duration, done <-chan struct{}) {
	late := time.NewTimer(most)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
	}
}
