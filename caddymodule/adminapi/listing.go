package adminapi

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/sessionstore"
)

const (
	// keptFor is how long it is remembered what a walk has found, so that the next
	// page needs none; keptListings are how many walks that is.
	keptFor      = time.Minute
	keptListings = 4
	// maxPlaces bounds what is remembered of a walk, about 70 bytes of each session.
	// Where there are more, those behind are found by another walk.
	maxPlaces = 250_000
	// maxSkipped bounds how many sessions that have ended meanwhile one page passes
	// over.
	maxSkipped = 1000
)

// place is where a session stands.
type place struct {
	cursor
	key sessionstore.Key
}

// listing is what a walk has found, the newest first.
type listing struct {
	asked      lifecycle.Asked
	from       *cursor // it begins behind that; nil: at the newest
	places     []place
	whole      bool // nothing comes behind the last
	unreadable int
	until      time.Time
}

// covers reports whether the page behind that place is in the listing.
func (l *listing) covers(asked lifecycle.Asked, from *cursor, now time.Time) bool {
	return l.asked == asked && now.Before(l.until) && (l.from == nil || l.from.compare(*from) <= 0) && (l.whole || l.behind(from) < len(l.places))
}

// behind is the index of the first that comes behind a place.
func (l *listing) behind(from *cursor) int {
	if from == nil {
		return 0
	}
	i, found := slices.BinarySearchFunc(l.places, *from, func(p place, c cursor) int { return p.compare(c) })
	if found {
		i++
	}
	return i
}

// listings make them, and remember the last few.
type listings struct {
	now   func() time.Time
	limit int // maxPlaces
	looks turn

	mu   sync.Mutex
	kept []*listing
}

func newListings(now func() time.Time, looks turn) *listings {
	return &listings{now: now, limit: maxPlaces, looks: looks}
}

// of is the listing for a page. The first page is always of a new one.
func (ls *listings) of(ctx context.Context, b sessionstore.Browser, asked lifecycle.Asked, from *cursor) (*listing, error) {
	if from != nil {
		if l := ls.known(asked, from); l != nil {
			return l, nil
		}
	}
	if asked.UserID == 0 {
		done, err := ls.looks.take(ctx)
		if err != nil {
			return nil, err
		}
		defer done()
	}
	l, err := ls.walk(ctx, b, asked, from)
	if err == nil {
		ls.keep(l)
	}
	return l, err
}

func (ls *listings) known(asked lifecycle.Asked, from *cursor) *listing {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.kept {
		if l.covers(asked, from, ls.now()) {
			return l
		}
	}
	return nil
}

// keep remembers a listing in place of the oldest, and for no longer than it is good.
func (ls *listings) keep(l *listing) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.kept = append([]*listing{l}, ls.kept[:min(len(ls.kept), keptListings-1)]...)
	time.AfterFunc(keptFor, ls.prune)
}

func (ls *listings) prune() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.kept = slices.DeleteFunc(ls.kept, func(l *listing) bool { return !ls.now().Before(l.until) })
}

// walk looks at all of them, and holds no more of each than its place.
func (ls *listings) walk(ctx context.Context, b sessionstore.Browser, asked lifecycle.Asked, from *cursor) (*listing, error) {
	l := &listing{asked: asked, from: from, whole: true}
	unreadable := make(map[sessionstore.Key]struct{})
	err := asked.Walk(ctx, b, func(page []sessionstore.Found) error {
		for _, f := range page {
			if f.Ended {
				continue
			}
			if f.Session == nil {
				unreadable[f.Key] = struct{}{}
			} else if has, _ := asked.Has(f); has {
				if at := cursorOf(f.Session); from == nil || at.compare(*from) > 0 {
					l.places = append(l.places, place{at, f.Key})
				}
			}
		}
		if len(l.places) > 2*ls.limit {
			l.sort(ls.limit)
		}
		return ctx.Err()
	})
	l.sort(ls.limit)
	l.unreadable, l.until = len(unreadable), ls.now().Add(keptFor)
	return l, err
}

// sort puts the newest first, each once, and keeps no more than so many.
func (l *listing) sort(limit int) {
	slices.SortFunc(l.places, func(one, other place) int { return one.compare(other.cursor) })
	l.places = slices.CompactFunc(l.places, func(one, other place) bool { return one.key == other.key })
	if len(l.places) > limit {
		l.places, l.whole = slices.Clone(l.places[:limit]), false
	}
}

// page are the sessions of a listing behind a place.
type page struct {
	sessions   []*sessionstore.Session
	unreadable int
	next       *cursor // nil: there are no more
}

// read reads the sessions of a page as they are now, and leaves out what has ended
// since the walk.
func (l *listing) read(ctx context.Context, store sessionstore.Store, from *cursor, limit int) (p page, err error) {
	p.unreadable = l.unreadable
	skipped := 0
	for i, at := range l.places[l.behind(from):] {
		if len(p.sessions) == limit || skipped == maxSkipped {
			last := l.places[l.behind(from)+i-1].cursor
			p.next = &last
			return p, nil
		}
		s, err := store.Get(ctx, at.key)
		switch {
		case err == nil:
			if has, _ := l.asked.Has(sessionstore.Found{Key: at.key, Session: s}); has {
				p.sessions = append(p.sessions, s)
				continue
			}
		case sessionstore.IsUnreadable(err):
			p.unreadable++
		case !errors.Is(err, sessionstore.ErrNotFound):
			return page{}, err
		}
		skipped++
	}
	if n := len(l.places); !l.whole && n > 0 {
		p.next = &l.places[n-1].cursor
	}
	return p, nil
}
