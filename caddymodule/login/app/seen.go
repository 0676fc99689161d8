package app

import (
	"sync"

	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/profile"
)

// mostSeen bounds of how many names of cookies it is known whether scripts may
// read them; the oldest are forgotten.
const mostSeen = 1000

// Seen is of which names an app has set cookies, and whether it keeps them
// from scripts: what it gives to people who are not signed in is at the browser
// when they sign in. It may be used concurrently. The zero value has none.
type Seen struct {
	names sync.Map // of seenCookie, by the folded name

	mu    sync.Mutex
	order []string
}

// seenCookie is what an app said last of that name.
type seenCookie struct {
	at       profile.AppCookie
	httpOnly bool
}

// See notes what an app says of a cookie.
func (s *Seen) See(at profile.AppCookie, httpOnly bool) {
	folded, now := identity.FoldCookie(at.Name), seenCookie{at, httpOnly}
	before, known := s.names.Load(folded)
	if !known {
		s.put(folded, now)
	} else if before != any(now) {
		s.names.Store(folded, now)
	}
}

// seeKept is See for what is only known to have been so: what the app has said
// here goes before it.
func (s *Seen) seeKept(at profile.AppCookie) {
	folded := identity.FoldCookie(at.Name)
	if _, known := s.names.Load(folded); !known {
		s.put(folded, seenCookie{profile.AppCookie{Name: at.Name, Path: at.Path, Domain: at.Domain}, true})
	}
}

func (s *Seen) put(folded string, now seenCookie) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.names.LoadOrStore(folded, now); known {
		return
	}
	if s.order = append(s.order, folded); len(s.order) > mostSeen {
		s.names.Delete(s.order[0])
		s.order = s.order[1:]
	}
}

// has reports whether scripts may not read the cookie.
func (s *Seen) has(folded string) (at profile.AppCookie, httpOnly bool) {
	seen, known := s.names.Load(folded)
	if !known {
		return at, false
	}
	c := seen.(seenCookie)
	return c.at, c.httpOnly
}
