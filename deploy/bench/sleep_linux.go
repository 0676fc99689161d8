package main

import (
	"syscall"
	"time"
)

// sleepUntil sleeps in the kernel, whose timers are finer than the millisecond
// of Go's own.
func sleepUntil(moment time.Time) {
	if d := time.Until(moment); d > 0 {
		t := syscall.NsecToTimespec(d.Nanoseconds())
		_ = syscall.Nanosleep(&t, nil) // woken early, the request is early too
	}
}
