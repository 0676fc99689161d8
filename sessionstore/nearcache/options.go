package nearcache

import (
	"context"
	"time"

	"example.com/sidegate/sessionstore"
)

// Defaults of Options.
const (
	DefaultTTL     = 10 * time.Second
	DefaultEntries = 100_000
	DefaultUnknown = time.Second
	DefaultTimeout = time.Second
)

// Options of a Cache; the zero value is good.
type Options struct {
	// TTL bounds how old an answer may be, counted from the moment the store
	// was asked, even if every message of a change is lost. 0 or less means
	// DefaultTTL.
	TTL time.Duration
	// Entries bounds the sessions that are kept. 0 or less means DefaultEntries.
	Entries int
	// Unknown is how long "there is none" is remembered, so that the same
	// guess, or a stale cookie, does not reach the store with each request.
	// 0 means DefaultUnknown, less than 0 that it is not remembered.
	Unknown time.Duration
	// Stale is for how long after TTL a session may still be served while the
	// store cannot tell. A session that was revoked elsewhere in that time is
	// accepted for as long, which is why it must be asked for. It never holds
	// against ErrNotFound, nor past the session's own end, which activity puts
	// off as ever. 0 or less means that nothing older than TTL is served.
	Stale time.Duration
	// Timeout bounds one look-up in the store. 0 or less means DefaultTimeout.
	Timeout time.Duration
	// ObserveDelay is told of each Revoke that the store took how long its
	// message took to come back to Heard, when the session had been dropped.
	// nil measures nothing; give it only where messages are heard.
	ObserveDelay func(time.Duration)
	// Vouch is asked of each session that the store has answered with, and of each
	// that is served past its time, and says what is served of it; it asks nobody
	// in turn. Its error is what all get who wait for the session: ErrNotFound is
	// remembered as the store's would be, and ErrNotHere is certain too. nil serves
	// every session as it is.
	Vouch func(*sessionstore.Session) (*sessionstore.Session, error)
	// Trace is given the context of a look-up, which outlives who asks for it and
	// takes nothing else of theirs, and the context of who asks for it first: it
	// returns the former, with what tells traces that it belongs to the latter.
	// nil has it belong to none.
	Trace func(lookup, asking context.Context) context.Context
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	o.TTL = positive(o.TTL, DefaultTTL)
	o.Timeout = positive(o.Timeout, DefaultTimeout)
	o.Stale = max(o.Stale, 0)
	if o.Entries <= 0 {
		o.Entries = DefaultEntries
	}
	if o.Unknown == 0 {
		o.Unknown = DefaultUnknown
	}
	if o.Trace == nil {
		o.Trace = func(lookup, _ context.Context) context.Context { return lookup }
	}
	if o.Vouch == nil {
		o.Vouch = func(s *sessionstore.Session) (*sessionstore.Session, error) { return s, nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func positive(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
