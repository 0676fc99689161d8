package users

import (
	"runtime"
	"runtime/debug"
	"sync"

	"example.com/sidegate/caddymodule/login"
)

// DefaultWaiting is how many sign-ins wait for their turn before some are sent
// away with login.ErrBusy.
const DefaultWaiting = 64

// HashMemory is how much memory all hashes take at most that are computed at once,
// in bytes: as much as the largest of them may.
const HashMemory = MaxArgon2Memory << 10

// hashShare is the part of the process's memory limit that they take at most: one of
// so many. What finished ones leave may be as much again before it is collected, and the
// last third is for all else: sessions, connections, a reload. Memory that there is not
// is the end of the process, and sixty who sign in at once, for which nobody needs an
// account, would be the end of everybody's requests. So they wait.
const hashShare = 3

// shareOfMemory is that part now. `caddy run` sets the limit by that of the container
// when it starts, and a configuration may have been tried before that.
func shareOfMemory() int64 { return debug.SetMemoryLimit(-1) / hashShare }

// NewGate is in front of the hashing of passwords. Hashing is made to be dear
// (argon2id takes 46 MiB and tens of milliseconds), so that a flood of sign-ins
// would leave neither memory nor processors for everybody else.
//
// It lets that many hashes be computed at once while that many wait, and no more
// than HashMemory and a third of the memory limit allow; one alone may always take
// what it takes. running below 1 means half the processors, at least one; waiting
// below 0 means DefaultWaiting.
func NewGate(running, waiting int) *login.Gate {
	if waiting < 0 {
		waiting = DefaultWaiting
	}
	return login.NewGateOf(func() login.GateLimits {
		now := running
		if now < 1 {
			now = max(1, runtime.GOMAXPROCS(0)/2)
		}
		return login.GateLimits{Running: now, Waiting: waiting, Weight: min(HashMemory, shareOfMemory())}
	})
}

// SharedGate is the gate of the whole process, with the defaults. Every Method
// uses it that is given no other, so that the bound holds while a reload has two
// configurations at work.
var SharedGate = sync.OnceValue(func() *login.Gate { return NewGate(0, -1) })
