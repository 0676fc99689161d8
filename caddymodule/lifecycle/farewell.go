package lifecycle

import (
	"context"
	"sync"
	"time"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/sessionstore"
)

// farewellTime bounds how long a login takes to tell its source of a sign-out.
const farewellTime = 10 * time.Second

// farewell tells logins that people have signed out, behind the answer to them:
// an app that is slow or down keeps nobody waiting and nobody signed in.
type farewell struct {
	config  *Config
	cookies *AppCookies

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// tell tells the login of a session that was just signed out, if it wants to
// know and it is the one that the session began at: what the one app gave out
// is nothing for another. How many are told at once is the login's to bound.
func (f *farewell) tell(was *sessionstore.Session) {
	method, ok := named(f.config.Logins, was.Method).(login.Leaver)
	if !ok || !method.SignsOut() || f.config.Vouching.isOfOther(was) {
		return
	}
	kept := f.cookies.Kept(was) // now: what is not written yet is forgotten with the session
	f.behind(func() {
		ctx, cancel := context.WithTimeout(context.Background(), farewellTime)
		defer cancel()
		if err := method.SignOut(ctx, kept); err != nil {
			f.config.Events.Happened(Event{Kind: NotTold, Login: was.Method, UserID: was.User.ID, Session: was.Key, Err: err})
		}
	})
}

// behind does the work behind whoever calls; finish waits for it.
func (f *farewell) behind(work func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		go work()
		return
	}
	f.running.Go(work)
}

func (f *farewell) finish(ctx context.Context) {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	waitFor(ctx, &f.running)
}
