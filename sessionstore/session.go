package sessionstore

import "time"

// Session is what was built when a person signed in. Sessions that a Store
// has handed out are shared: they are read, never changed; change a copy and
// Update the store with it.
//
// It has 512 bytes: what is larger, Go's collector looks at one by one, and does not
// take together with its neighbours.
type Session struct {
	// Key names the session in its store.
	Key Key
	// Unmapped says that what the sources said at BuiltAt could not be mapped, so
	// that the session goes on without roles and permissions until it can. Here it
	// takes no room.
	Unmapped bool
	// User is who is signed in; its Token is always empty here.
	User UserSession
	// Method is the name of the login that the person came through, and
	// Subject what that login knows them by.
	Method  string
	Subject string
	// SourceSession is what the login's source calls its own session (the sid
	// of OIDC); empty when it has none.
	SourceSession string
	// FormerSources are what it called it before, the latest last; MaxFormer at
	// most.
	FormerSources []string
	// Username is what they are called where they sign in, and Name and Attributes
	// are further facts of the person, for headers. Each may be empty.
	Username   string
	Name       string
	Attributes map[string]string
	// Kept is what the login keeps for later, such as a refresh token. The
	// store seals it with the rest and does not look into it.
	Kept string
	// BuiltAt is when the login's sources last said who this is.
	BuiltAt time.Time
	// Grounds are what it was vouched by then; nil when that was not written
	// down yet.
	Grounds *Grounds
	// View is set when this is served in place of the record.
	View *View
	// ChosenAccount is the account that the person made their primary one;
	// it outlives a rebuild of User. Empty when none was chosen.
	ChosenAccount string
	// Address and UserAgent are of the client that signed in.
	Address   string
	UserAgent string
	// CreatedAt and ExpiresAt bound the session's life; ExpiresAt never moves.
	CreatedAt time.Time
	ExpiresAt time.Time
	// IdleTimeout ends the session that long after LastSeenAt; 0 means never.
	IdleTimeout time.Duration
	// LastSeenAt is the last known activity. Only Store.Touch moves it.
	LastSeenAt time.Time
	// Version counts the writes. Store.Update moves it.
	Version uint64
}

// MaxFormer is how many former names of the source's session a session remembers.
const MaxFormer = 16

// IdleExpiresAt is when the session ends if nothing more is seen of the
// person; never later than ExpiresAt.
func (s *Session) IdleExpiresAt() time.Time {
	if s.IdleTimeout <= 0 {
		return s.ExpiresAt
	}
	if idle := s.LastSeenAt.Add(s.IdleTimeout); idle.Before(s.ExpiresAt) {
		return idle
	}
	return s.ExpiresAt
}

// Live reports whether the session has not yet expired at that moment.
func (s *Session) Live(now time.Time) bool { return now.Before(s.IdleExpiresAt()) }

// LiveFor is how long the session still lives if it is active at that moment:
// the idle timeout, or what is left of its whole life when that is shorter.
func (s *Session) LiveFor(now time.Time) time.Duration {
	left := s.ExpiresAt.Sub(now)
	if s.IdleTimeout > 0 && s.IdleTimeout < left {
		return s.IdleTimeout
	}
	return left
}
