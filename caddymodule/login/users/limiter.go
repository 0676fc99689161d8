package users

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"example.com/sidegate/caddymodule/login"
)

// DefaultWaiting is how many sign-ins wait for their turn before further ones
// are sent away with login.ErrBusy.
const DefaultWaiting = 64

// HashLimiter bounds how many passwords are hashed at once. Hashing is made to
// be dear (argon2id takes 46 MiB and tens of milliseconds), so that a flood of
// sign-ins would leave neither memory nor processors for everybody else.
type HashLimiter struct {
	slots      chan struct{}
	waiting    atomic.Int64
	maxWaiting int64
}

// NewHashLimiter lets that many hashes be computed at once while that many
// wait. running below 1 means half the processors, at least one; waiting below
// 0 means DefaultWaiting.
func NewHashLimiter(running, waiting int) *HashLimiter {
	if running < 1 {
		running = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if waiting < 0 {
		waiting = DefaultWaiting
	}
	return &HashLimiter{slots: make(chan struct{}, running), maxWaiting: int64(waiting)}
}

// SharedLimiter is the limiter of the whole process, with the defaults. Every
// Method uses it that is given no other, so that the bound holds while a
// reload has two configurations at work.
var SharedLimiter = sync.OnceValue(func() *HashLimiter { return NewHashLimiter(0, -1) })

// Acquire waits for a turn, which Release ends. The error is login.ErrBusy
// when too many wait already, else the context's.
func (l *HashLimiter) Acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("waiting to check a password: %w", err)
	}
	select {
	case l.slots <- struct{}{}:
		return nil
	default:
	}
	defer l.waiting.Add(-1)
	if l.waiting.Add(1) > l.maxWaiting {
		return login.ErrBusy
	}
	select {
	case l.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting to check a password: %w", ctx.Err())
	}
}

// Release ends a turn that Acquire has given.
func (l *HashLimiter) Release() { <-l.slots }
