package caddymodule

import (
	"math"
	"os"
	"runtime/debug"
)

// roomyGC lets the heap grow to five times of what is live before it is
// collected, where Go would let it double. A proxy keeps little and throws
// much away: collecting takes about a tenth of its CPU at Go's default, and a
// third of that at this one, for some tens of megabytes (deploy/bench measures
// both).
const roomyGC = 400

// giveCollectorRoom does so for the whole process, in whatever binary these
// modules are. An operator who sets GOGC is obeyed. Without a memory limit it
// is left alone too: it is the limit that has the collector work harder,
// rather than the process killed, when memory runs out. `caddy run` has set
// one by the time an app starts, of nine tenths of what the container or else
// the machine has, unless GOMEMLIMIT or AUTOMEMLIMIT says otherwise.
func giveCollectorRoom() {
	_, chosen := os.LookupEnv("GOGC")
	if limit := debug.SetMemoryLimit(-1); !chosen && limit != math.MaxInt64 {
		debug.SetGCPercent(roomyGC)
	}
}
