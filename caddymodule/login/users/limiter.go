package users

import (
	"runtime"
	"sync"

	"example.com/sidegate/caddymodule/login"
)

// DefaultWaiting is how many sign-ins wait for their turn before some are sent
// away with login.ErrBusy.
const DefaultWaiting = 64

// HashMemory is how much memory all hashes take that are computed at once, in
// bytes: as much as the largest of them may.
const HashMemory = MaxArgon2Memory << 10

// NewGate is in front of the hashing of passwords. Hashing is made to be dear
// (argon2id takes 46 MiB and tens of milliseconds), so that a flood of sign-ins
// would leave neither memory nor processors for everybody else.
//
// It lets that many hashes be computed at once while that many wait, and no more
// than HashMemory allows. running below 1 means half the processors, at least
// one; waiting below 0 means DefaultWaiting.
func NewGate(running, waiting int) *login.Gate {
	if running < 1 {
		running = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if waiting < 0 {
		waiting = DefaultWaiting
	}
	return login.NewGate(login.GateLimits{Running: running, Waiting: waiting, Weight: HashMemory})
}

// SharedGate is the gate of the whole process, with the defaults. Every Method
// uses it that is given no other, so that the bound holds while a reload has two
// configurations at work.
var SharedGate = sync.OnceValue(func() *login.Gate { return NewGate(0, -1) })
