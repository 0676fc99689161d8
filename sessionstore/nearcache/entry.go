package nearcache

import (
	"sync/atomic"
	"time"

	"example.com/sidegate/sessionstore"
)

// maxDerived bounds what is kept with one entry: the asker names the keys.
const maxDerived = 16

// Entry is a session as the store held it at one moment, with what was derived
// from it since. It may be used concurrently.
type Entry struct {
	// Session is shared by all who look it up: it is read, never changed.
	Session *sessionstore.Session

	asked time.Time // when the store was asked, hence what age is counted from
	ends  time.Time // when the session ends by itself, unless activity was noted

	// doubted says that the message of a change may have been lost, or that
	// activity was written since.
	doubted atomic.Bool
	// noted is when activity was last noted, in unix milliseconds.
	noted   atomic.Int64
	derived atomic.Pointer[derivation]
}

// derivation is one of the things that were derived, the latest first. It
// never changes once it is in the list.
type derivation struct {
	key, value any
	count      int // how long the list is from here on
	next       *derivation
}

func newEntry(s *sessionstore.Session, asked time.Time) *Entry {
	e := &Entry{Session: s, asked: asked, ends: s.IdleExpiresAt()}
	e.noted.Store(s.LastSeenAt.UnixMilli())
	return e
}

// Uncached is an entry of a session that no cache holds, for where sessions
// are looked up in the store each time.
func Uncached(s *sessionstore.Session) *Entry { return newEntry(s, time.Time{}) }

// within reports whether the entry is younger than age and its session has not
// ended. An entry from the future, which is what a clock that was set back
// makes of it, is as old as can be.
func (e *Entry) within(age time.Duration, now time.Time) bool {
	old := now.Sub(e.asked)
	return old >= 0 && old < age && (now.Before(e.ends) || e.active(now))
}

// active reports whether activity that was noted here has put the idle end off,
// be it written or not: somebody who is active does not go idle because the
// store cannot be asked or written meanwhile.
func (e *Entry) active(now time.Time) bool {
	s := e.Session
	return now.Before(s.ExpiresAt) && now.Sub(time.UnixMilli(e.noted.Load())) < s.IdleTimeout
}

// keepable reports whether the entry may be remembered. A session that by the
// local clock has ended is the store's to judge, each time anew. One whose key
// is not of the shard of its person would not be found by their RevokeUser.
func (e *Entry) keepable(now time.Time) bool {
	s := e.Session
	return now.Before(e.ends) && s.Key.Shard == sessionstore.ShardOf(s.User.ID)
}

// Derive returns what derive has made of the session under that key: once, and
// again only when the entry has been replaced or several callers are the first
// at the same time, who then all get the same. The value is shared, so it is
// never changed. Keys are compared as map keys are; use a type of your own.
// An entry keeps at most 16 values: what comes later is made each time.
func (e *Entry) Derive(key any, derive func() any) any {
	head := e.derived.Load()
	if d := head.find(key); d != nil {
		return d.value
	}
	made := &derivation{key: key, value: derive()}
	for {
		head = e.derived.Load()
		if d := head.find(key); d != nil {
			return d.value
		}
		made.next, made.count = head, head.len()+1
		if made.count > maxDerived || e.derived.CompareAndSwap(head, made) {
			return made.value
		}
	}
}

func (d *derivation) find(key any) *derivation {
	for ; d != nil; d = d.next {
		if d.key == key {
			return d
		}
	}
	return nil
}

func (d *derivation) len() int {
	if d == nil {
		return 0
	}
	return d.count
}

// Note says that the person of the session is active. It hands that on to a at
// most once per tenth of the idle timeout, and takes no lock in between:
// LastSeenAt of a session that is held here does not move. Where the clock of
// another gateway has put it in the future, it keeps nothing back.
func (e *Entry) Note(a *sessionstore.Activity, now time.Time) {
	idle := e.Session.IdleTimeout
	if idle <= 0 {
		return
	}
	// Rounded up, so that a does not find it too early and drop it.
	tenth := (idle/10 + time.Millisecond - 1).Milliseconds()
	at, before := now.UnixMilli(), e.noted.Load()
	if -tenth < at-before && at-before < tenth {
		return
	}
	// Of all who come at the same time, one notes it for all.
	if e.noted.CompareAndSwap(before, at) {
		a.Note(e.Session)
	}
}

// Ended reports whether the session has ended by itself, as far as is known here:
// activity that was noted puts its idle end off, be it written or not.
func (e *Entry) Ended(now time.Time) bool { return !now.Before(e.ends) && !e.active(now) }
