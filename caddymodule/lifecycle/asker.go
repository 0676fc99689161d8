package lifecycle

import (
	"context"
	"net/netip"
)

// Asker is who asks for something, by which request: what Events are told of it. The
// zero value asks by none.
type Asker struct {
	// Client is the address that they ask from.
	Client netip.Addr
	// UserID is the person's number, where it is known.
	UserID int64
	// Method, Host and Path are those of Event.
	Method, Host, Path string
}

type askerKey struct{}

// AskedBy returns a context for what is done because they ask for it.
func AskedBy(ctx context.Context, a Asker) context.Context {
	return context.WithValue(ctx, askerKey{}, a)
}

func askedBy(ctx context.Context) Asker {
	a, _ := ctx.Value(askerKey{}).(Asker)
	return a
}

// withAsker fills in who asks, as far as the context says.
func withAsker(ctx context.Context, e Event) Event {
	return askedBy(ctx).Of(e)
}

// Of is the event with who asked for it.
func (a Asker) Of(e Event) Event {
	if !e.Client.IsValid() {
		e.Client = a.Client
	}
	e.Method, e.Host, e.Path = a.Method, a.Host, a.Path
	return e
}
