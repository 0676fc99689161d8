package gatewaytest

import (
	"golang.org/x/sys/unix"
)

// FillDisk makes every write of the process to a file fail, as on a disk that is
// full, until FreeDisk. What is there can still be read.
func (p *Process) FillDisk() {
	p.t.Helper()
	p.limitFiles(1)
}

// FreeDisk lets the process write files again.
func (p *Process) FreeDisk() {
	p.t.Helper()
	p.limitFiles(unix.RLIM_INFINITY)
}

func (p *Process) limitFiles(size uint64) {
	p.t.Helper()
	limit := unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(p.PID(), unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		p.t.Fatalf("limiting the files of the gateway: %v", err)
	}
}
