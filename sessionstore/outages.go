package sessionstore

import (
	"encoding/binary"
	"slices"
	"time"
)

const (
	// BeatEvery is how often a gateway is to call Store.Beat.
	BeatEvery = time.Second
	// Grace is how long after its idle end a store keeps a session at the
	// least, unless its whole life is over: for activity that is written late,
	// and for outages of the store. A store that has to say beforehand when a
	// session goes cannot see longer outages than that.
	Grace = time.Hour

	// BeatPatience is how late the next beat may be. What a beat is later than
	// that counts as an outage, and no more than that: a session that was gone
	// once does not come back because it then turns out that a beat is late.
	BeatPatience = 1500 * time.Millisecond
	// MaxOutages bounds what is remembered; the longest ago are forgotten.
	MaxOutages = 64
)

// Outages are the stretches of time in which no gateway could write to a store,
// and so write down that people are active: whoever was silent then was not
// idle. They are told by the beats that did not come. The zero value knows of
// none, and has none before its first beat.
type Outages struct {
	beat time.Time
	past []outage // the earliest first; never changed once it is in the list
}

type outage struct{ from, to time.Time }

// Beat returns what is known once the store was written at that moment.
func (o Outages) Beat(now time.Time) Outages {
	if o.Late(now) {
		past := o.past[max(0, len(o.past)+1-MaxOutages):]
		o.past = slices.Concat(past, []outage{o.open(now)})
	}
	o.beat = now.Round(0) // by the wall clock, as last seen is
	return o
}

// Late reports whether the next beat is late, so that there is an outage now.
func (o Outages) Late(now time.Time) bool {
	open := o.open(now)
	return open.to.After(open.from)
}

// open is the outage that goes on at that moment; it is empty when there is none.
func (o Outages) open(now time.Time) outage {
	if o.beat.IsZero() {
		return outage{}
	}
	return outage{o.beat.Add(BeatPatience), now}
}

// Lost is how much of the time between the two moments was an outage.
func (o Outages) Lost(from, to time.Time) time.Duration {
	lost := o.open(to).within(from, to)
	for _, past := range o.past {
		lost += past.within(from, to)
	}
	return lost
}

func (o outage) within(from, to time.Time) time.Duration {
	if o.from.After(from) {
		from = o.from
	}
	if o.to.Before(to) {
		to = o.to
	}
	return max(0, to.Sub(from))
}

// Live is Session.Live for a store with these outages: they put the idle end
// off, and never that of the session's life.
func (o Outages) Live(s *Session, now time.Time) bool {
	if s.Live(now) || s.IdleTimeout <= 0 || !now.Before(s.ExpiresAt) {
		return s.Live(now)
	}
	return now.Sub(s.LastSeenAt)-o.Lost(s.LastSeenAt, now) < s.IdleTimeout
}

// TakesLate reports whether activity that a store hears of at the moment now
// puts the end of the session off: the person was seen before it ended, and
// only the writing of it came late.
func (o Outages) TakesLate(s *Session, seen, now time.Time) bool {
	return now.Before(s.ExpiresAt) && seen.After(s.LastSeenAt) && o.Live(s, seen)
}

// Swept reports whether a store need not keep the session any longer.
func (o Outages) Swept(s *Session, now time.Time) bool {
	return !now.Before(s.ExpiresAt) || !o.Live(s, now) && !o.Live(s, now.Add(-Grace))
}

// milliSize is the length of a moment in a text of outages.
const milliSize = 8

// AppendTo writes the outages, all as unix milliseconds, big endian: the last
// beat, and where each outage began and ended.
func (o Outages) AppendTo(b []byte) []byte {
	b = appendMilli(b, o.beat)
	for _, past := range o.past {
		b = appendMilli(appendMilli(b, past.from), past.to)
	}
	return b
}

func appendMilli(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMilli()))
}

// ParseOutages reads what AppendTo has written. Of what is damaged it makes no
// outages: then idle ends come as they would without any.
func ParseOutages(b []byte) Outages {
	const pair = 2 * milliSize
	if len(b) < milliSize || (len(b)-milliSize)%pair != 0 {
		return Outages{}
	}
	o := Outages{beat: readMilli(b)}
	for b = b[milliSize:]; len(b) > 0; b = b[pair:] {
		o.past = append(o.past, outage{readMilli(b), readMilli(b[milliSize:])})
	}
	return o
}

func readMilli(b []byte) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b))).UTC()
}
