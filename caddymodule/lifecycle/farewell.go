package lifecycle

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

const (
	// farewellTime bounds how long a login takes to tell its source of a sign-out,
	// and farewellTries how often that is tried.
	farewellTime  = 10 * time.Second
	farewellTries = 3
	// farewells is how many a login tells at a time, and maxFarewells how many wait
	// for that at most.
	farewells    = 64
	maxFarewells = 5000
)

// farewellPause is how long it is waited before the second try; before the third
// it is five times as long.
const farewellPause = 2 * time.Second

// farewell tells logins that people have signed out, behind the answer to them:
// an app that is slow or down keeps nobody waiting and nobody signed in.
type farewell struct {
	config  *Config
	cookies *AppCookies
	hurry   chan struct{} // closed to end every pause

	mu      sync.Mutex
	closed  bool
	waiting int
	slots   map[string]chan struct{} // by the login
	running sync.WaitGroup
}

func newFarewell(c *Config, cookies *AppCookies) *farewell {
	return &farewell{config: c, cookies: cookies, hurry: make(chan struct{}), slots: make(map[string]chan struct{})}
}

// errManyLeave says that an app is not told, for too many wait for it.
var errManyLeave = errors.New("too many sign-outs wait to be told")

// tell tells the login of a session that was just signed out, if it wants to
// know and it is the one that the session began at: what the one app gave out
// is nothing for another.
func (f *farewell) tell(was *sessionstore.Session) {
	if told, begun := f.begin(was); !begun {
		f.config.Events.Happened(told)
	}
}

// tellAll is tell for many, of which those that are too many are one event of each
// login.
func (f *farewell) tellAll(ended []*sessionstore.Session) {
	tooMany := make(map[string]int)
	for _, was := range ended {
		if _, begun := f.begin(was); !begun {
			tooMany[was.Method]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tooMany)) {
		f.config.Events.Happened(Event{Kind: NotTold, Login: name, Count: tooMany[name], Err: errManyLeave})
	}
}

// begin has it told, unless too many wait for that; then it returns the event that says so.
func (f *farewell) begin(was *sessionstore.Session) (told Event, begun bool) {
	method, ok := named(f.config.Logins, was.Method).(login.Leaver)
	if !ok || !method.SignsOut() || f.config.Vouching.isOfOther(was) {
		return told, true
	}
	kept := f.cookies.Kept(was) // now: what is not written yet is forgotten with the session
	if kept == nil {
		return told, true
	}
	// All that is held of it while it waits.
	kept = &profile.Kept{UpstreamToken: kept.UpstreamToken, UpstreamCookies: kept.UpstreamCookies}
	told = Event{Kind: NotTold, Login: was.Method, UserID: was.User.ID, Session: was.Key, Err: errManyLeave}
	failed := told
	begun = f.behind(was.Method, func(slots chan struct{}) {
		if failed.Err = f.say(method, kept, slots); failed.Err != nil {
			f.config.Events.Happened(failed)
		}
	})
	return told, begun
}

// say tells it, and again when that fails.
func (f *farewell) say(method login.Leaver, kept *profile.Kept, slots chan struct{}) (err error) {
	for try, pause := 1, farewellPause; ; try, pause = try+1, 5*pause {
		err = f.once(method, kept, slots)
		if _, definite := errors.AsType[*login.Definite](err); err == nil || definite || try == farewellTries {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-f.hurry:
		}
		t.Stop()
	}
}

func (f *farewell) once(method login.Leaver, kept *profile.Kept, slots chan struct{}) error {
	slots <- struct{}{}
	defer func() { <-slots }()
	ctx, cancel := context.WithTimeout(context.Background(), farewellTime)
	defer cancel()
	return method.SignOut(ctx, kept)
}

// behind does the work behind whoever calls, unless too much waits; finish waits
// for it.
func (f *farewell) behind(login string, work func(slots chan struct{})) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waiting >= maxFarewells {
		return false
	}
	f.waiting++
	slots := f.slots[login]
	if slots == nil {
		slots = make(chan struct{}, farewells)
		f.slots[login] = slots
	}
	counted := func() {
		work(slots)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.waiting--
	}
	if f.closed {
		go counted()
	} else {
		f.running.Go(counted)
	}
	return true
}

// finish waits as long as ctx allows; nothing pauses from then on.
func (f *farewell) finish(ctx context.Context) {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.hurry)
	}
	f.mu.Unlock()
	waitFor(ctx, &f.running)
}
