package lifecycle

import (
	"context"
	"errors"

	"example.com/sidegate/sessionstore"
)

// changeTries is how often a write is tried when others come between.
const changeTries = 3

// ChooseAccount makes the account, one of the person's own, the primary one
// until they choose another. ErrEnded: the session is gone.
func (l *Sessions) ChooseAccount(ctx context.Context, s *sessionstore.Session, accountID string) (*sessionstore.Session, error) {
	changed, err := l.writer.change(ctx, s, func(changed *sessionstore.Session) {
		changed.ChosenAccount = accountID // which the record may have yet to be told of
		if user, ok := changed.User.WithPrimary(accountID); ok {
			changed.User = *user
		}
	})
	return l.config.Vouching.served(changed, err)
}

// Slide notes activity at once and returns the session with its new idle end.
// ErrEnded: the session is gone.
func (l *Sessions) Slide(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	now := l.config.Now().UTC()
	if err := l.config.Store.Touch(ctx, s, now); err != nil {
		return nil, goneIsEnded(err)
	}
	slid := *s
	slid.LastSeenAt = now
	return &slid, nil
}

// writer writes sessions that have changed.
type writer struct {
	store   sessionstore.Store
	backing sessionstore.Store // sessions as they are written down

	vouching *Vouching
}

// change writes a session, or the record that it is a view of, as edit has
// changed it. When somebody else wrote it in between, it is read and edited again.
func (w writer) change(ctx context.Context, s *sessionstore.Session, edit func(*sessionstore.Session)) (*sessionstore.Session, error) {
	s = s.Record()
	for try := 1; ; try++ {
		changed := *s
		edit(&changed)
		changed.Grounds = w.vouching.underPresentKey(&changed)
		written, err := w.store.Update(ctx, &changed)
		if !errors.Is(err, sessionstore.ErrConflict) || try == changeTries {
			return written, goneIsEnded(err)
		}
		if s, err = w.backing.Get(ctx, s.Key); err != nil {
			return nil, goneIsEnded(err)
		}
	}
}

// persist is change for what must not be lost because the store is away for a
// moment: a source may have replaced a credential, and the old one is spent.
// It goes on when the lease, which is kept in the same store, has run out: the
// session's version and BuiltAt fence what it writes.
func (w writer) persist(ctx context.Context, s *sessionstore.Session, edit func(*sessionstore.Session)) (*sessionstore.Session, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTime)
	defer cancel()
	for {
		written, err := w.change(ctx, s, edit)
		if err == nil || errors.Is(err, ErrEnded) || sleep(ctx, writePause) != nil {
			return written, err
		}
	}
}

func goneIsEnded(err error) error {
	if errors.Is(err, sessionstore.ErrNotFound) {
		return ErrEnded
	}
	return err
}

// keepChoice makes the account that the person chose the primary one again,
// as long as it is theirs.
func keepChoice(s *sessionstore.Session) {
	if s.ChosenAccount == "" {
		return
	}
	user, ok := s.User.WithPrimary(s.ChosenAccount)
	if !ok {
		s.ChosenAccount = ""
		return
	}
	s.User = *user
}
