package endpoint

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// Hasten has clients hear more often that there is nothing to hear, and be waited
// for less long.
func (a *Audience) Hasten(beat, take time.Duration) { a.beat, a.take, a.part = beat, take, take }

// sessionNow is a session with two accounts, changed.
func sessionNow(change func(*sessionstore.Session)) *nearcache.Entry {
	acme := sessionstore.Account{AccountID: "acme", AccountName: "Acme", UsersPrimaryAccount: true}
	globex := sessionstore.Account{AccountID: "globex", AccountName: "Globex", AccountAdmin: true}
	s := &sessionstore.Session{Version: 3, User: sessionstore.UserSession{
		ID: 1, Email: "ada@example.com", PrimaryAccount: &acme, Accounts: []sessionstore.Account{acme, globex},
		FlatRolesList: []string{"admin", "editor"}, FlatPermissionsList: []string{"orders:read"},
	}}
	if change != nil {
		change(s)
	}
	return nearcache.Uncached(s)
}

func TestTheStrongestReasonIsTold(t *testing.T) {
	otherAccount := func(s *sessionstore.Session) {
		s.Version++
		other, _ := s.User.WithPrimary("globex")
		s.User = *other
	}
	for name, c := range map[string]struct {
		change func(*sessionstore.Session)
		want   string
	}{
		"nothing has changed":                             {nil, ""},
		"its person was active":                           {func(s *sessionstore.Session) { s.LastSeenAt = time.Now() }, ""},
		"it was built anew, as it was":                    {func(s *sessionstore.Session) { s.Version++ }, "refreshed"},
		"another address":                                 {func(s *sessionstore.Session) { s.Version++; s.User.Email = "ada@example.org" }, "refreshed"},
		"an account has another name":                     {func(s *sessionstore.Session) { s.Version++; s.User.Accounts[1].AccountName = "G" }, "refreshed"},
		"the same roles in another order":                 {func(s *sessionstore.Session) { s.Version++; s.User.FlatRolesList = []string{"editor", "admin"} }, "refreshed"},
		"a version before, of a store that has lost some": {func(s *sessionstore.Session) { s.Version-- }, "refreshed"},
		"another primary account":                         {otherAccount, "account"},
		"no primary account any more":                     {func(s *sessionstore.Session) { s.Version++; s.User.PrimaryAccount = nil }, "account"},
		"a role less":                                     {func(s *sessionstore.Session) { s.Version++; s.User.FlatRolesList = []string{"admin"} }, "permissions"},
		"a permission more": {func(s *sessionstore.Session) {
			s.Version++
			s.User.FlatPermissionsList = append(s.User.FlatPermissionsList, "x")
		}, "permissions"},
		"a role that becomes a permission": {func(s *sessionstore.Session) {
			s.Version++
			s.User.FlatRolesList, s.User.FlatPermissionsList = []string{"admin"}, []string{"orders:read", "editor"}
		}, "permissions"},
		"an account less":                            {func(s *sessionstore.Session) { s.Version++; s.User.Accounts = s.User.Accounts[:1] }, "permissions"},
		"administrator of an account no more":        {func(s *sessionstore.Session) { s.Version++; s.User.Accounts[1].AccountAdmin = false }, "permissions"},
		"fewer roles are served of the same version": {func(s *sessionstore.Session) { s.User.FlatRolesList = nil }, "permissions"},
		"another account and a role less":            {func(s *sessionstore.Session) { otherAccount(s); s.User.FlatRolesList = nil }, "permissions"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := servedFrom(sessionNow(c.change)).differs(servedFrom(sessionNow(nil))); got != c.want {
				t.Errorf("%q; want %q", got, c.want)
			}
		})
	}
}

func TestTheMailboxHoldsTheLatest(t *testing.T) {
	version := func(v uint64) *nearcache.Entry { return sessionNow(func(s *sessionstore.Session) { s.Version = v }) }
	m := newMailbox()
	for _, v := range []uint64{4, 6, 5} { // two looks may end in another order than they began in
		m.put(version(v), false)
	}
	if now, ended, _ := m.take(); ended || now.Session.Version != 6 {
		t.Errorf("ended %v, %+v", ended, now)
	}
	if now, ended, _ := m.take(); now != nil || ended {
		t.Errorf("it was taken out, and there is %+v, ended %v", now, ended)
	}
	m.put(nil, true)
	m.put(version(7), false)
	m.put(nil, false)
	if _, ended, expired := m.take(); !ended || !expired {
		t.Errorf("a session that has ended remains so: ended %v, expired %v", ended, expired)
	}
	if len(m.full) != 1 {
		t.Error("nobody is told that there is something in it")
	}
}

func TestClientsComeBackSpread(t *testing.T) {
	for listeners, want := range map[int]time.Duration{0: soonest, 1: soonest + 2*time.Millisecond, 1000: 3 * time.Second, 10_000: 21 * time.Second, 50_000: latest} {
		if got := comeBackWithin(listeners); got != want {
			t.Errorf("%d come back within %v; want %v", listeners, got, want)
		}
	}
	seen := make(map[time.Duration]bool)
	for range 1000 {
		at := anyTime(soonest, 21*time.Second)
		if at < soonest || at > 21*time.Second {
			t.Fatalf("one comes back after %v", at)
		}
		seen[at.Truncate(time.Second)] = true
	}
	if len(seen) < 20 {
		t.Errorf("they come back in %d different seconds", len(seen))
	}
}

func TestAnAudienceIsBounded(t *testing.T) {
	a := NewAudience()
	a.ofSession, a.inAll = 2, 3
	key := func(n byte) (k sessionstore.Key) { k.Hash[0] = n; return k }
	var first *listener
	for i, c := range []struct {
		of   byte
		want *refusal.Refusal
	}{{1, nil}, {1, nil}, {1, refusal.Listeners}, {2, nil}, {2, refusal.Crowded}, {3, refusal.Crowded}} {
		l, why := a.admit(key(c.of), httptest.NewRecorder())
		if why != c.want {
			t.Fatalf("%d: %v; want %v", i, why, c.want)
		}
		if first == nil {
			first = l
		}
	}
	a.leave(first)
	if _, why := a.admit(key(3), httptest.NewRecorder()); why != nil {
		t.Errorf("a place was given back, and then: %v", why)
	}
	if want := strconv.Itoa(NewAudience().ofSession); !strings.Contains(refusal.Listeners.Message, want) {
		t.Errorf("the refusal does not say %s", want)
	}
}

// stuck is the response to a client that takes nothing: a write ends at its deadline.
type stuck struct {
	httptest.ResponseRecorder
	deadline chan time.Time
	written  chan struct{} // closed when it is written to
}

func (s *stuck) SetWriteDeadline(at time.Time) error {
	s.deadline <- at
	return nil
}

func (s *stuck) Write(p []byte) (int, error) {
	close(s.written)
	for at := range s.deadline {
		if !at.IsZero() && time.Until(at) < takeTime/2 {
			return 0, os.ErrDeadlineExceeded
		}
	}
	return len(p), nil
}

func TestAServerThatShutsDownWaitsShortlyForAClientThatTakesNothing(t *testing.T) {
	a := NewAudience()
	w := &stuck{deadline: make(chan time.Time, 8), written: make(chan struct{})}
	l, _ := a.admit(sessionstore.Key{}, w)
	sent := make(chan error)
	go func() { sent <- l.send([]byte("x")) }()
	<-w.written
	a.Dismiss()
	a.Dismiss()
	if err := <-sent; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the write ended with %v", err)
	}
	late, _ := a.admit(sessionstore.Key{}, httptest.NewRecorder())
	if l.patience != partTime || late.patience != partTime {
		t.Errorf("who takes nothing is waited for %v, and who comes later %v", l.patience, late.patience)
	}
}

func TestLastEventIDs(t *testing.T) {
	now := servedFrom(sessionNow(nil))
	before := servedFrom(sessionNow(func(s *sessionstore.Session) { s.Version-- }))
	otherwise := servedFrom(sessionNow(func(s *sessionstore.Session) { s.User.FlatRolesList = nil }))
	another := servedFrom(sessionNow(func(s *sessionstore.Session) { s.Key.Hash[0] = 1 }))
	id := now.id()
	for name, c := range map[string]struct {
		ids  []string
		want bool
	}{
		"none":                     {nil, false},
		"that of now":              {[]string{id}, false},
		"that of an older version": {[]string{before.id()}, true},
		"that of the same version, of which another configuration served something else": {[]string{otherwise.id()}, true},
		"that of another session": {[]string{another.id()}, true},
		"an empty one":            {[]string{""}, false},
		"two":                     {[]string{before.id(), another.id()}, false},
		"one that goes on":        {[]string{before.id() + "x"}, false},
		"one with a line break":   {[]string{before.id() + "\n"}, false},
		"a number too large":      {[]string{id[:17] + "99999999999999999999" + id[18:]}, false},
		"no number":               {[]string{id[:17] + "-1" + id[18:]}, false},
		"something long":          {[]string{string(make([]byte, 1<<20))}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := missedSome(http.Header{"Last-Event-Id": c.ids}, now); got != c.want {
				t.Errorf("%v; want %v", got, c.want)
			}
		})
	}
}
