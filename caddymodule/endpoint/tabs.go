package endpoint

import (
	"net/http"
	"sync"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore"
)

// tabs know which session the tabs of one browser have just begun, by the
// attempts that the browser had under way then: a browser that opens its tabs
// anew comes back from the provider in all of them at once, and in none with the
// cookie of another. Each session but the last would be left behind with nobody
// to end it. Nobody has a session of it but who has signed in as its person: see
// lifecycle.Arrival.
//
// It is of this gateway and for a moment: what it does not know costs a session
// that is left over, until that expires.
type tabs struct {
	mu    sync.Mutex
	begun map[string]*tab // by the sealed value of an attempt's cookie
}

// tab is a sign-in that other tabs may wait for.
type tab struct {
	done   chan struct{}
	secret sessionstore.Secret // once done; the zero value: it came to nothing
	others []string
}

const (
	// tabTime is for how long a session is known. The next request of a tab
	// that comes later has its cookie.
	tabTime = 30 * time.Second
	// maxTabs bounds the attempts that are known.
	maxTabs = 4096
)

func newTabs() *tabs { return &tabs{begun: make(map[string]*tab)} }

// enter returns the sign-in that was there before for this attempt; else own,
// for which those of the browser's other attempts wait until it leaves. Both may
// be nil: there is nobody to wait for.
func (t *tabs) enter(attempt string, others []string) (before, own *tab) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if before = t.begun[attempt]; before != nil || len(others) == 0 || len(t.begun)+len(others) > maxTabs {
		return before, nil
	}
	own = &tab{done: make(chan struct{}), others: others}
	for _, other := range others {
		if t.begun[other] == nil {
			t.begun[other] = own
		}
	}
	return nil, own
}

// leave tells the other tabs of the session, or by the zero value of none.
func (t *tabs) leave(own *tab, secret sessionstore.Secret) {
	if own == nil {
		return
	}
	own.secret = secret
	close(own.done)
	if secret == (sessionstore.Secret{}) {
		t.forget(own)
		return
	}
	time.AfterFunc(tabTime, func() { t.forget(own) })
}

func (t *tabs) forget(own *tab) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, other := range own.others {
		if t.begun[other] == own {
			delete(t.begun, other)
		}
	}
}

// wait returns what another tab has begun; the zero value for nothing.
func (b *tab) wait(r *http.Request) (none sessionstore.Secret) {
	if b == nil {
		return none
	}
	select {
	case <-b.done:
		return b.secret
	case <-r.Context().Done():
		return none
	}
}

// ofBrowser is the value of the attempt's cookie, and those of its browser's
// other attempts.
func (l providerLogin) ofBrowser(r *http.Request, attempt oidc.Attempt) (own string, others []string) {
	name, _ := l.cookie.attemptName(attempt.State)
	for _, c := range l.cookie.underway(r).attempts {
		if c.name == name {
			own = c.value
		} else if len(others) < maxAttempts {
			others = append(others, c.value)
		}
	}
	return own, others
}

// arrive begins the session of somebody whom the provider vouches for, unless
// another tab of this browser has done so since the attempt began.
func (l providerLogin) arrive(r *http.Request, attempt oidc.Attempt, person *profile.Person) (s arrived, why *refusal.Refusal) {
	before, own := l.tabs.enter(l.ofBrowser(r, attempt))
	defer func() { l.tabs.leave(own, s.secret) }()
	var beside []*sessionstore.Session
	began := attempt.Expires.Add(-oidc.AttemptLifetime)
	if c := l.callers.Caller(r); c.Standing == caller.SignedIn && !c.PresentedToken && !c.Session.CreatedAt.Before(began) {
		beside = append(beside, c.Session)
	}
	secret := before.wait(r)
	if secret != (sessionstore.Secret{}) {
		if other := l.callers.Session(r.Context(), secret); other != nil {
			beside = append(beside, other)
		}
	}
	if s, why = l.begin(r, l.provider, person, beside...); why == nil && s.Key == secret.Key() {
		s.secret = secret
	}
	return s, why
}
