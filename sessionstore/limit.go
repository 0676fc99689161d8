package sessionstore

import (
	"slices"
	"time"
)

// MaxLimit is the largest limit that a store must keep: with more sessions of
// one person, to look for the longest idle would keep others waiting.
const MaxLimit = 10_000

// Limit is how many sessions a person may have at once. The zero value sets
// none.
type Limit struct {
	// Sessions is the most that there may be, the new one included, up to
	// MaxLimit. 0: any number.
	Sessions int
	// Refuse has a session beyond that refused with ErrTooMany. Otherwise those
	// end for it that were idle the longest.
	Refuse bool
	// Replaced are sessions that the new one takes the place of, and that its
	// caller ends: they do not count, and nothing ends for them.
	Replaced []Key
}

// Ended is a session that a store has ended.
type Ended struct {
	Key Key
	// Session is what it was; nil when it could not be read.
	Session *Session
}

// Idle is a live session, and when its person was last seen. One of which that
// cannot be told has been idle for ever.
type Idle struct {
	Key        Key
	LastSeenAt time.Time
}

// Reached reports whether a person with that many sessions is at the limit.
func (l Limit) Reached(sessions int) bool { return l.Sessions > 0 && sessions >= l.Sessions }

// Over returns which of all the person's live sessions must end for a new one,
// the longest idle first, or ErrTooMany.
func (l Limit) Over(live []Idle) ([]Idle, error) {
	counted := slices.DeleteFunc(slices.Clone(live), func(s Idle) bool { return slices.Contains(l.Replaced, s.Key) })
	switch {
	case !l.Reached(len(counted)):
		return nil, nil
	case l.Refuse:
		return nil, ErrTooMany
	}
	slices.SortFunc(counted, func(a, b Idle) int { return a.LastSeenAt.Compare(b.LastSeenAt) })
	return counted[:len(counted)+1-l.Sessions], nil
}
