//go:build !linux

package main

import "time"

// sleepUntil lets the package compile; the rig needs Linux for its /proc.
func sleepUntil(moment time.Time) { time.Sleep(time.Until(moment)) }
