package sessionstore

import (
	"context"
	"errors"
	"fmt"
)

// ErrUnwritten says that a session has ended idle by what the store knows, which
// does not know all: the person was active here, and the store could not be
// told. That means "cannot tell".
var ErrUnwritten = errors.New("the session may have ended idle only because its activity could not be written: see why the store takes no writes")

// Before returns the store with the activity in front of it that waits to be
// written. That a session is gone is believed only once the store has been told
// of what was seen of it: an idle end that rests on a write which failed is
// "cannot tell", and one on a write that was yet to come is none. A session that
// was revoked stays so, for no activity brings one back.
func (a *Activity) Before(store Store) Store { return evidence{store, a} }

type evidence struct {
	Store
	activity *Activity
}

// Get implements Store.
func (e evidence) Get(ctx context.Context, key Key) (*Session, error) {
	s, err := e.Store.Get(ctx, key)
	if !errors.Is(err, ErrNotFound) {
		return s, err
	}
	if told, err := e.tell(ctx, key); !told {
		return nil, err
	}
	return e.Store.Get(ctx, key)
}

// Update implements Store.
func (e evidence) Update(ctx context.Context, s *Session) (*Session, error) {
	next, err := e.Store.Update(ctx, s)
	if !errors.Is(err, ErrNotFound) {
		return next, err
	}
	if told, err := e.tell(ctx, s.Key); !told {
		return nil, err
	}
	return e.Store.Update(ctx, s)
}

// Sweep implements Sweeper for a store that is one.
func (e evidence) Sweep(ctx context.Context) (int, error) {
	if sw, ok := e.Store.(Sweeper); ok {
		return sw.Sweep(ctx)
	}
	return 0, nil
}

// tell tells the store, which takes the session for gone, of its activity. It
// reports whether there was any and the store has taken it; else the error is
// what is to be said of the session.
func (e evidence) tell(ctx context.Context, key Key) (told bool, err error) {
	if !e.activity.waits(key) {
		return false, ErrNotFound
	}
	switch err := e.activity.write(ctx, e.Store, key); {
	case err == nil:
		return true, nil
	case errors.Is(err, ErrNotFound):
		return false, ErrNotFound
	default:
		return false, fmt.Errorf("%w: %w", ErrUnwritten, err)
	}
}
