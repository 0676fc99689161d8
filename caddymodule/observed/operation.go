package observed

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"example.com/sidegate/caddymodule/tracing"
	"example.com/sidegate/sessionstore"
)

// Operation is what a store is asked for. Those of one interface are one: how
// long they take says the same.
type Operation uint8

// The operations.
const (
	Get Operation = iota
	Create
	Update
	Touch
	Beat
	Revoke
	List
	RevokeUser
	Attempts
	Leases
	Links
	Numbers
	Owners
)

// Names are the words for them, in their order: the values of a label and of an
// attribute.
var Names = [...]string{
	"get", "create", "update", "touch", "beat", "revoke", "list", "revoke_user", "attempts", "leases", "links", "numbers", "owners",
}

// spanNames are those of their spans: made once.
var spanNames = func() (names [len(Names)]string) {
	for i, name := range Names {
		names[i] = "session store " + name
	}
	return names
}()

// call is one operation under way.
type call struct {
	store *Store
	what  Operation
	began time.Time
	span  tracing.Span
}

// begin begins one; the context is the one to ask in.
func (s *Store) begin(ctx context.Context, what Operation) (context.Context, call) {
	c := call{store: s, what: what, began: time.Now()}
	if tracing.Recorded(ctx) {
		ctx, c.span = tracing.Start(ctx, spanNames[what],
			attribute.String("sidegate.store", s.kind), attribute.String("sidegate.operation", Names[what]))
	}
	return ctx, c
}

// end ends it with its error.
func (c *call) end(ctx context.Context, err error) {
	result := resultOf(ctx, err)
	c.store.meter.Took(c.what, time.Since(c.began), result == tracing.Failed)
	c.span.End(result)
}

// resultOf says how an operation ended. What the store says of one session or
// person is an answer; that nobody waits for one any more is not the store's.
func resultOf(ctx context.Context, err error) string {
	_, some := sessionstore.Unreadable(err)
	switch {
	case err == nil, some, sessionstore.IsUnreadable(err), errors.Is(err, sessionstore.ErrMalformed):
		return tracing.OK
	case errors.Is(err, sessionstore.ErrNotFound), errors.Is(err, sessionstore.ErrConflict), errors.Is(err, sessionstore.ErrTooMany),
		errors.Is(ctx.Err(), context.Canceled):
		return tracing.None
	}
	return tracing.Failed
}
