package caddymodule

import (
	"math"
	"os"
	"runtime/debug"
	"testing"
)

func TestTheCollectorIsGivenRoomOnlyWithinAMemoryLimit(t *testing.T) {
	for _, c := range []struct {
		name  string
		gogc  string
		limit int64
		want  int
	}{
		{"within a limit it is given room", "", 1 << 40, roomyGC},
		{"not without a limit", "", math.MaxInt64, 100},
		{"not when the operator has set GOGC", "100", 1 << 40, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(c.limit)
			defer func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) }()
			t.Setenv("GOGC", c.gogc) // restores it afterwards
			if c.gogc == "" {
				if err := os.Unsetenv("GOGC"); err != nil {
					t.Fatal(err)
				}
			}
			giveCollectorRoom()
			if got := debug.SetGCPercent(100); got != c.want {
				t.Errorf("it is set to %d, want %d", got, c.want)
			}
		})
	}
}
