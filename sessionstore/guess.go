package sessionstore

import "context"

type guessKey struct{}

// Guess returns a context in which a key that Store.Get is asked for may be
// anybody's invention: the secret that it is of bears no mark of ours. A store
// that makes sure that there is no such session need not, so that made-up cookies
// cost it one read each and no write. Nothing that cannot be taken back may
// follow from the ErrNotFound of a guess.
func Guess(ctx context.Context) context.Context { return context.WithValue(ctx, guessKey{}, true) }

// IsGuess reports whether the context is one of Guess.
func IsGuess(ctx context.Context) bool { return ctx.Value(guessKey{}) != nil }
