package login

import (
	"context"
	"fmt"
)

// ErrPublic is ErrRefused for the right password of a hash that everybody can
// read, such as those of the demo: from elsewhere than this machine it says
// nothing of who types it.
var ErrPublic = fmt.Errorf("%w: the password is public", ErrRefused)

type onThisMachine struct{}

// OnThisMachine marks a sign-in as made on the machine that the gateway runs
// on. Without the mark it is taken to come from elsewhere.
func OnThisMachine(ctx context.Context) context.Context {
	return context.WithValue(ctx, onThisMachine{}, true)
}

// IsOnThisMachine reports whether the sign-in has that mark.
func IsOnThisMachine(ctx context.Context) bool {
	marked, _ := ctx.Value(onThisMachine{}).(bool)
	return marked
}
