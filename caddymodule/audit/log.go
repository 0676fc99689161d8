package audit

import (
	"context"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/withheld"
)

// LoggerName is what the logger of the audit log is called below that of the app, and
// the message of each line.
const LoggerName = "audit"

const (
	// atFirst is how many of a kind are each told of, before it is one a second: a
	// person's few are then always there.
	atFirst = 100
	// anonymousEvery is how often it is told of those who are not signed in and ask
	// for what needs a session: everybody does at first.
	anonymousEvery = time.Minute
	// restEvery is how often it is told of what was withheld and had no further line.
	restEvery = time.Minute
)

// Config is what a Log is made of.
type Config struct {
	// Logger is that of the app.
	Logger *zap.Logger
	// Digest is that of the configuration, once all of it is provisioned.
	Digest func() string
	// Now is the clock.
	Now func() time.Time
	// Events are Caddy's. nil: nobody hears of sessions by them.
	Events Events
	// Lost hears of how many lines found no place because the output takes none. nil:
	// nobody does.
	Lost func(lines int64)
}

// Log is the audit log of one configuration. It is safe for concurrent use; nil tells
// nothing.
type Log struct {
	config  Config
	logger  *zap.Logger
	bounds  map[what]*bound
	writer  *writer
	emitter *emitter
}

// New returns a Log. Run must run beside it.
func New(c Config) *Log {
	l := &Log{config: c, logger: c.Logger.Named(LoggerName), bounds: make(map[what]*bound)}
	l.writer = newWriter(c, l.lostLine)
	for _, w := range kinds {
		if w.bounded() {
			l.bounds[w] = &bound{burst: atFirst}
		}
	}
	l.bounds[kinds[demand.Anonymous]] = &bound{burst: 1, lines: withheld.Lines{Pause: anonymousEvery}}
	if c.Events != nil {
		l.emitter = newEmitter(c.Events, c.Logger, c.Now)
	}
	return l
}

// bound is that of one kind of line.
type bound struct {
	lines withheld.Lines
	burst int64
	last  atomic.Pointer[entry] // that was withheld
}

// entry is what one line is made of.
type entry struct {
	what
	lifecycle.Event
	at time.Time
}

// Happened tells of an event, whose name is as logs may have it. In ordinary times its
// line is written when it returns; where the output stalls it waits for linePatience at
// most: see writer.
func (l *Log) Happened(e lifecycle.Event) {
	if l == nil {
		return
	}
	w, told := whatOf(e)
	if !told {
		return
	}
	l.emitter.happened(w, e)
	one := entry{w, e, l.config.Now()}
	b := l.bounds[w]
	switch {
	case b == nil:
		l.write(one, 1)
	case b.lines.Take(one.at, b.burst):
		n := b.lines.Rest()
		l.write(one, 1+n, withheld.More(n))
	default:
		held := one
		b.last.Store(&held)
	}
}

// write has one line written, which stands for so many.
func (l *Log) write(e entry, stands int64, more ...zapcore.Field) {
	if one := l.line(e, stands, more...); one != nil {
		l.writer.write(one)
	}
}

// line has the time at which it happened. It is nil where nobody reads it.
func (l *Log) line(e entry, stands int64, more ...zapcore.Field) *line {
	c := l.logger.Check(zap.InfoLevel, LoggerName)
	if c == nil {
		return nil
	}
	c.Time = e.at
	return newLine(c, append(l.fields(e), more...), stands)
}

// lostLine tells of how many lines were lost. It stands for none: should it be lost as
// well, nothing else is.
func (l *Log) lostLine(n int64) *line {
	return l.line(entry{what: linesLost, at: l.config.Now()}, 0, zap.Int64("count", n))
}

// Rest tells of what was withheld since the last line of its kind: the latest of each
// kind has its line, and says how many there were before it. So all lines, and all
// that they say there were more, are all that happened.
func (l *Log) Rest() {
	for _, b := range l.bounds {
		n := b.lines.Rest()
		if n == 0 {
			continue
		}
		last := b.last.Swap(nil)
		if last == nil { // it is just being put there
			b.lines.Return(n)
			continue
		}
		l.write(*last, n, withheld.More(n-1))
	}
}

// Run tells of what is withheld every so often until ctx is done, and then once more;
// by then all lines are written, and who listens to Caddy's events has heard of all, or
// they have had their time.
func (l *Log) Run(ctx context.Context) {
	tick := time.NewTicker(restEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			l.Rest()
			l.writer.settle()
			l.emitter.settle()
			return
		case <-tick.C:
			l.Rest()
		}
	}
}

// Close tells of what has come since Run has ended, and ends all work.
func (l *Log) Close() {
	l.Rest()
	l.writer.close()
	l.emitter.close()
}
