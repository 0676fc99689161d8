package endpoint

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// The reasons of an event, the weakest first. Behind one of the last three the
// stream ends.
const (
	sessionRefreshed   = "refreshed"   // it was built anew, or nobody knows
	sessionAccount     = "account"     // another account is the primary one
	sessionPermissions = "permissions" // roles, permissions or accounts have changed
	sessionRevoked     = "revoked"     // it was ended
	sessionExpired     = "expired"     // it has ended by itself
	sessionSignedOut   = "signed_out"  // its person has signed out with it
)

// EventReasons are all of them.
var EventReasons = []string{sessionRefreshed, sessionAccount, sessionPermissions, sessionRevoked, sessionExpired, sessionSignedOut}

// served is a session as it was served at one moment.
type served struct {
	session *sessionstore.Session
	content string // a hash of what browsers read of it
}

// contentKey is where the hash is kept with its session.
type contentKey struct{}

func servedFrom(e *nearcache.Entry) served {
	content := e.Derive(contentKey{}, func() any { return contentOf(&e.Session.User) }).(string)
	return served{e.Session, content}
}

func contentOf(u *sessionstore.UserSession) string {
	text, _ := json.Marshal(u) // of texts, numbers and times
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:8])
}

// id names that state: of the same version another configuration may serve other
// roles.
func (s served) id() string {
	return fmt.Sprintf("%s.%d.%s", s.session.Key.ID(), s.session.Version, s.content)
}

// differs is the strongest reason to tell of a session that was served otherwise
// before; empty where there is none.
func (s served) differs(before served) (reason string) {
	was, is := &before.session.User, &s.session.User
	switch {
	case s.session.Version == before.session.Version && s.content == before.content:
		return ""
	case !slices.Equal(powers(was), powers(is)):
		return sessionPermissions
	case primaryOf(was) != primaryOf(is):
		return sessionAccount
	}
	return sessionRefreshed
}

// powers are what a person may do, in no order of anybody's.
func powers(u *sessionstore.UserSession) []string {
	all := make([]string, 0, len(u.FlatRolesList)+len(u.FlatPermissionsList)+len(u.Accounts))
	for _, role := range u.FlatRolesList {
		all = append(all, "role\x00"+role)
	}
	for _, permission := range u.FlatPermissionsList {
		all = append(all, "permission\x00"+permission)
	}
	for _, a := range u.Accounts {
		all = append(all, fmt.Sprintf("account\x00%s\x00%t", a.AccountID, a.AccountAdmin))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func primaryOf(u *sessionstore.UserSession) string {
	if u.PrimaryAccount == nil {
		return ""
	}
	return u.PrimaryAccount.AccountID
}

// eventID is what served.id makes.
var eventID = regexp.MustCompile(`^[A-Za-z0-9_-]{16}\.[0-9]{1,19}\.[A-Za-z0-9_-]{11}$`)

// missedSome reports whether a client that comes back was told of another state
// last. What is no id of ours says nothing, and is sent to nobody.
func missedSome(h http.Header, now served) bool {
	last := strings.Join(h["Last-Event-Id"], ",")
	return last != now.id() && eventID.MatchString(last)
}

// mailbox holds what became of a session until it is told: the latest alone, so
// that nobody waits for a client. A session that has ended remains so.
type mailbox struct {
	full chan struct{}

	mu             sync.Mutex
	now            *nearcache.Entry
	ended, expired bool
}

func newMailbox() *mailbox { return &mailbox{full: make(chan struct{}, 1)} }

// put is for streams.Watch. Two looks at once may end in another order than they
// began in: what is yet unread gives way to a later version alone.
func (m *mailbox) put(now *nearcache.Entry, expired bool) {
	m.mu.Lock()
	switch {
	case m.ended:
	case now == nil:
		m.ended, m.expired = true, expired
	case m.now == nil || now.Session.Version >= m.now.Session.Version:
		m.now = now
	}
	m.mu.Unlock()
	select {
	case m.full <- struct{}{}:
	default:
	}
}

// take empties it. There may be nothing in it.
func (m *mailbox) take() (now *nearcache.Entry, ended, expired bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, m.now = m.now, nil
	return now, m.ended, m.expired
}
