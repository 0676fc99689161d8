package lifecycle

import (
	"context"

	"example.com/sidegate/sessionstore"
)

// parting is what is told of the end of a session.
type parting struct {
	// why is one of the Ends; empty: nobody is told, for nobody knew of it.
	why string
	// login and userID are whose it is, where the session cannot be read.
	login  string
	userID int64
	// unreadable says that it is there, and cannot be read: else nothing tells one
	// that could not be read from one that was gone.
	unreadable bool
	// before is what the session was before its end, where that is known.
	before *sessionstore.Session
}

// of is how with what the store has answered: the session, or that it cannot be read.
func (how parting) of(s *sessionstore.Session, err error) parting {
	how.before, how.unreadable = s, sessionstore.IsUnreadable(err)
	return how
}

// tell tells of a session that has ended; was is what it was, and nil when it was
// gone or could not be read.
func (e *ender) tell(ctx context.Context, key sessionstore.Key, was *sessionstore.Session, how parting) {
	told := Event{Kind: SessionEnded, Login: how.login, UserID: how.userID, Session: key, Count: 1, Result: how.why}
	switch {
	case how.why == "" || was == nil && !how.unreadable:
		return
	case was != nil:
		told.Login, told.UserID = was.Method, was.User.ID
	}
	e.config.Events.Happened(withAsker(ctx, told))
}

// tellUnlisted tells of sessions that have ended with those that were listed.
func (e *ender) tellUnlisted(ctx context.Context, n int, how parting) {
	if n > 0 {
		e.config.Events.Happened(withAsker(ctx, Event{Kind: SessionEnded, UserID: how.userID, Count: n, Result: how.why}))
	}
}
