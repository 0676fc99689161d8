package login

import "time"

// What a Gate remembers of those it let in. It is no limit: it only says who goes
// first while others wait too.
const (
	// lately is for how long, and mostLately of how many at the most.
	lately     = time.Minute
	mostLately = 256
	// mostOfOne is how many sign-ins of one account may lately have come first.
	// More than that no person needs, whatever programs sign in for them; who has
	// one password could fill the gate with it, for a success uses up nothing.
	mostOfOne = 10
)

// sharer is whom places are shared out between: accounts, where they have signed in
// before, so that strangers elsewhere use up nothing of theirs, else networks.
type sharer struct {
	account bool
	of      string
}

// letIn is somebody who was let in.
type letIn struct {
	who sharer
	at  time.Time
}

// shares counts whom was let in lately.
type shares struct {
	in    []letIn // the oldest first
	count map[sharer]int
}

// let counts one more.
func (s *shares) let(who sharer, now time.Time) {
	if s.count == nil {
		s.count = make(map[sharer]int)
	}
	s.in = append(s.in, letIn{who, now})
	s.count[who]++
	if len(s.in) > mostLately {
		s.dropOldest()
	}
}

// forget drops those of whom it is too long ago.
func (s *shares) forget(now time.Time) {
	for len(s.in) > 0 && now.Sub(s.in[0].at) >= lately {
		s.dropOldest()
	}
}

func (s *shares) dropOldest() {
	who := s.in[0].who
	s.in = s.in[1:]
	if s.count[who]--; s.count[who] == 0 {
		delete(s.count, who)
	}
}
