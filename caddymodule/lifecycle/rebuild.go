package lifecycle

import (
	"context"
	"errors"
	"slices"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// rebuild asks the login, and the directories, again who the person is and
// writes the session anew. A definite "no" ends the session and gives ErrEnded;
// an answer that cannot be mapped leaves it without roles and permissions, and
// gives ErrUnmapped beside it; any other error means that it stays as it is.
func (l *Sessions) rebuild(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	method, ok := l.rebuilder(s.Method)
	if !ok {
		return s, nil // the login is gone from the configuration; it can say nothing
	}
	b, err := l.askAgain(ctx, method, s)
	switch {
	case isDefiniteNo(err):
		return nil, l.endRebuilt(ctx, s)
	case profile.IsUnmapped(err):
		return l.disrobe(ctx, s, err)
	case err != nil:
		return nil, l.keepRotated(ctx, s, err)
	case b.user.ID != s.User.ID:
		return nil, l.endRebuilt(ctx, s) // another person has the entry now
	}
	if err := l.rename(ctx, s, b.source); err != nil {
		return nil, errors.Join(storeFault{err}, l.keep(ctx, s, b.kept))
	}
	built, err := l.writeBuilt(ctx, s, b)
	if err == nil {
		err = l.renamed(ctx, s, built)
	}
	return built, err
}

func (l *Sessions) writeBuilt(ctx context.Context, s *sessionstore.Session, b *built) (*sessionstore.Session, error) {
	write, from := l.change, s.BuiltAt
	if b.kept != s.Kept {
		write = l.persist
	}
	return write(ctx, s, func(changed *sessionstore.Session) {
		if !changed.BuiltAt.Equal(from) {
			return // another gateway has built it in between, from what is newer
		}
		b.put(changed)
		keepChoice(changed)
	})
}

// askAgain builds what the session says anew, and writes nothing.
func (l *Sessions) askAgain(ctx context.Context, method login.Rebuilder, s *sessionstore.Session) (*built, error) {
	person, err := method.Rebuild(ctx, s)
	if err != nil {
		return nil, err
	}
	b, err := l.build(ctx, method, person, s)
	if err != nil && !isDefiniteNo(err) && person.Kept != nil {
		err = &login.Rotated{Kept: person.Kept, Err: err}
	}
	return b, err
}

// isDefiniteNo tells that the person may no longer be signed in from trouble.
func isDefiniteNo(err error) bool {
	_, refused := errors.AsType[*profile.Refused](err)
	return refused || errors.Is(err, login.ErrUnknown) || errors.Is(err, login.ErrRefused)
}

// keepRotated writes down what the source has replaced though the rest failed:
// a refresh token that was spent must not be presented again, for a provider
// that detects reuse would end the session.
func (l *Sessions) keepRotated(ctx context.Context, s *sessionstore.Session, err error) error {
	kept, keepErr := rotatedBy(err, s)
	if keepErr == nil {
		keepErr = l.keep(ctx, s, kept)
	}
	return SourceFault{errors.Join(err, keepErr)}
}

// keep writes down what the session keeps from now on, if it is something else.
func (l *Sessions) keep(ctx context.Context, s *sessionstore.Session, kept string) error {
	if kept == s.Kept {
		return nil
	}
	_, err := l.persist(ctx, s, func(changed *sessionstore.Session) {
		if changed.Kept == s.Kept { // else another gateway has a newer one
			changed.Kept = kept
		}
	})
	return err
}

// rotatedBy is what the session keeps after a rebuild that failed with err.
func rotatedBy(err error, s *sessionstore.Session) (string, error) {
	rotated, ok := errors.AsType[*login.Rotated](err)
	if !ok {
		return s.Kept, nil
	}
	return rotated.Kept.Encode()
}

// disrobe takes the roles and permissions off a session of whose person an
// answer came that cannot be mapped: what was said before is no longer vouched
// for, and nobody is signed out by a source's slip. The next answer that can be
// mapped gives them back.
func (l *Sessions) disrobe(ctx context.Context, s *sessionstore.Session, why error) (*sessionstore.Session, error) {
	kept, err := rotatedBy(why, s)
	if err != nil {
		return nil, SourceFault{errors.Join(why, err)}
	}
	write, from, at := l.change, s.BuiltAt, l.buildTime(s)
	if kept != s.Kept {
		write = l.persist
	}
	disrobed, err := write(ctx, s, func(changed *sessionstore.Session) {
		if !changed.BuiltAt.Equal(from) {
			return // another gateway has built it in between, from what is newer
		}
		changed.Kept, changed.BuiltAt, changed.Unmapped = kept, at, true
		changed.User = withoutRights(changed.User)
	})
	if err != nil {
		return nil, err
	}
	l.Events.Happened(Event{Kind: Unmapped, Login: s.Method, UserID: s.User.ID, Session: s.Key, Err: why})
	return disrobed, ErrUnmapped
}

// withoutRights is the person with nothing that they may do: an account that
// they administer is one that they are a member of.
func withoutRights(u sessionstore.UserSession) sessionstore.UserSession {
	u.FlatRolesList, u.FlatPermissionsList = []string{}, []string{}
	u.Accounts = slices.Clone(u.Accounts)
	for i := range u.Accounts {
		u.Accounts[i].AccountAdmin = false
	}
	if u.PrimaryAccount != nil {
		primary := *u.PrimaryAccount
		primary.AccountAdmin = false
		u.PrimaryAccount = &primary
	}
	return u
}

func (l *Sessions) endRebuilt(ctx context.Context, s *sessionstore.Session) error {
	if err := l.End(ctx, s.Key); err != nil {
		return err
	}
	l.Events.Happened(Event{Kind: Ended, Login: s.Method, UserID: s.User.ID, Session: s.Key, Count: 1})
	return ErrEnded
}
