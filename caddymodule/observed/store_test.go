package observed_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"example.com/sidegate/caddymodule/observed"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/storetest"
)

// took is what a meter was told last.
type took struct {
	what   observed.Operation
	failed bool
	times  int
}

func (m *took) Took(what observed.Operation, d time.Duration, failed bool) {
	if d < 0 {
		panic("a time before it began")
	}
	*m = took{what, failed, m.times + 1}
}

// concurrent is a meter for many.
type concurrent struct{ times atomic.Int64 }

func (m *concurrent) Took(observed.Operation, time.Duration, bool) { m.times.Add(1) }

// dead is a store that answers everything with one error.
type dead struct {
	sessionstore.Store
	err error
}

func (d dead) Get(context.Context, sessionstore.Key) (*sessionstore.Session, error) {
	return nil, d.err
}

func TestWhatIsObservedKeepsTheContractOfAStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Open: func(_ *testing.T, clock *storetest.Clock) sessionstore.Store {
			return observed.Before(memory.New(clock.Now), "memory", new(concurrent))
		},
	})
}

func TestEveryOperationIsMeasured(t *testing.T) {
	ctx, key := t.Context(), sessionstore.NewSecret(1).Key()
	for what, ask := range map[observed.Operation]func(sessionstore.Store) error{
		observed.Get:        func(s sessionstore.Store) error { _, err := s.Get(ctx, key); return err },
		observed.Create:     func(s sessionstore.Store) error { return storetest.Keep(ctx, s, session()) },
		observed.Update:     func(s sessionstore.Store) error { _, err := s.Update(ctx, session()); return err },
		observed.Touch:      func(s sessionstore.Store) error { return s.Touch(ctx, session(), time.Now()) },
		observed.Beat:       func(s sessionstore.Store) error { return s.Beat(ctx) },
		observed.Revoke:     func(s sessionstore.Store) error { _, err := s.Revoke(ctx, key); return err },
		observed.List:       func(s sessionstore.Store) error { _, err := s.List(ctx, 1); return err },
		observed.RevokeUser: func(s sessionstore.Store) error { _, err := s.RevokeUser(ctx, 1); return err },
		observed.Attempts:   func(s sessionstore.Store) error { return s.Forget(ctx, "bucket") },
		observed.Leases:     func(s sessionstore.Store) error { return s.Release(ctx, "lease", "holder") },
		observed.Links:      func(s sessionstore.Store) error { return s.Unlink(ctx, "sub", key) },
		observed.Numbers:    func(s sessionstore.Store) error { _, err := s.Numbered(ctx, 1); return err },
		observed.Owners:     func(s sessionstore.Store) error { _, err := s.Own(ctx, sessionstore.Claim{Number: 1}); return err },
	} {
		t.Run(observed.Names[what], func(t *testing.T) {
			var m took
			_ = ask(observed.Before(memory.New(nil), "memory", &m))
			if m != (took{what, false, 1}) {
				t.Errorf("the meter was told %+v", m)
			}
		})
	}
}

func session() *sessionstore.Session {
	now := time.Now()
	return &sessionstore.Session{
		Key: sessionstore.NewSecret(1).Key(), User: sessionstore.UserSession{ID: 1}, Version: 1, Method: "plain",
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour), IdleTimeout: time.Hour,
	}
}

func TestHowAnOperationEnded(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Hour))
	defer cancel()
	for _, c := range []struct {
		name   string
		ctx    context.Context
		err    error
		failed bool
		result string
	}{
		{"with a session", t.Context(), nil, false, "ok"},
		{"with the answer that there is none", t.Context(), sessionstore.ErrNotFound, false, "none"},
		{"with one that does not open, which is no fault of the store", t.Context(), sessionstore.ErrUnknownKey, false, "ok"},
		{"with the answer that it was changed meanwhile", t.Context(), sessionstore.ErrConflict, false, "none"},
		{"with those that can be read", t.Context(), &sessionstore.UnreadableError{Keys: make([]sessionstore.Key, 1)}, false, "ok"},
		{"without any", t.Context(), errors.New("ada@example.com: no answer"), true, "failed"},
		{"without any in time", late, context.DeadlineExceeded, true, "failed"},
		{"when nobody waited for it any more", gone, context.Canceled, false, "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ended := tracetest.NewSpanRecorder()
			ctx, span := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(ended)).Tracer("caddy").Start(c.ctx, "handler")
			var m took
			_, _ = observed.Before(dead{err: c.err}, "redis", &m).Get(ctx, sessionstore.Key{})
			span.End()
			if m != (took{observed.Get, c.failed, 1}) {
				t.Errorf("the meter was told %+v", m)
			}
			told := ended.Ended()
			if len(told) != 2 || told[0].Name() != "session store get" || told[0].Parent().SpanID() != told[1].SpanContext().SpanID() {
				t.Fatalf("spans are %v", told)
			}
			var said []string
			for _, a := range told[0].Attributes() {
				said = append(said, string(a.Key)+"="+a.Value.String())
			}
			if want := []string{"sidegate.store=redis", "sidegate.operation=get", "sidegate.result=" + c.result}; !slices.Equal(said, want) {
				t.Errorf("attributes are %q; want %q", said, want)
			}
			if s := told[0].Status(); s.Description != "" || len(told[0].Events()) != 0 {
				t.Errorf("it tells of the error: %v %v", s, told[0].Events())
			}
		})
	}
}

func TestWithoutATraceAStoreIsObservedAtNoAllocation(t *testing.T) {
	var m took
	s, ctx := observed.Before(dead{err: sessionstore.ErrNotFound}, "memory", &m), t.Context()
	if n := testing.AllocsPerRun(1000, func() { _, _ = s.Get(ctx, sessionstore.Key{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
