package main

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestCPUTime(t *testing.T) {
	const stat = "7 (a b) c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 9 9 20 0 8 0 100 1000 10 0\n"
	for _, c := range []struct {
		name string
		proc fstest.MapFS
		want time.Duration
		fail string
	}{
		{"sums over the threads", fstest.MapFS{"7/task/7/schedstat": file("100 5 1\n"), "7/task/8/schedstat": file("23 5 1\n"), "7/stat": file(stat)}, 123, ""},
		{"is of this process alone", fstest.MapFS{"7/task/7/schedstat": file("100 5 1\n"), "70/task/70/schedstat": file("900 5 1\n")}, 100, ""},
		{"counts ticks where there are no statistics, a name with parentheses notwithstanding", fstest.MapFS{"7/stat": file(stat)}, 3 * time.Second, ""},
		{"fails when the process has gone", fstest.MapFS{}, 0, "not exist"},
		{"fails on a schedstat that is none", fstest.MapFS{"7/task/7/schedstat": file("100\n")}, 0, "no schedstat"},
		{"fails on a stat that is cut off", fstest.MapFS{"7/stat": file("7 (caddy) S 1 7")}, 0, "no stat"},
		{"fails on a stat without a name", fstest.MapFS{"7/stat": file(strings.Repeat("1 ", 30))}, 0, "no stat"},
		{"fails on ticks that are no number", fstest.MapFS{"7/stat": file("7 (caddy) S 1 7 7 0 -1 4194304 100 0 0 0 x 50 9\n")}, 0, "invalid syntax"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := cpuTime(c.proc, 7)
			if got != c.want || (err != nil) != (c.fail != "") || err != nil && !strings.Contains(err.Error(), c.fail) {
				t.Errorf("got %v, %v; want %v, %q", got, err, c.want, c.fail)
			}
		})
	}
}

func TestResident(t *testing.T) {
	for _, c := range []struct {
		name, status string
		want         float64
		good         bool
	}{
		{"is in kilobytes", "Name:\tcaddy\nVmHWM:\t  9 kB\nVmRSS:\t  64 kB\nThreads:\t8\n", 64 * 1024, true},
		{"is missing once the process is a zombie", "Name:\tcaddy\nState:\tZ (zombie)\n", 0, false},
		{"is refused in another unit", "VmRSS:\t64 MB\n", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := resident(fstest.MapFS{"7/status": file(c.status)}, 7)
			if got != c.want || (err == nil) != c.good {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestThisMachineTellsOfUs(t *testing.T) {
	proc := os.DirFS("/proc")
	if held, err := resident(proc, os.Getpid()); err != nil || held < 1<<20 {
		t.Errorf("resident: %v, %v", held, err)
	}
	before, err := cpuTime(proc, os.Getpid())
	if err != nil || before <= 0 {
		t.Fatalf("CPU: %v, %v", before, err)
	}
	// The bound is there only so that a broken counter fails rather than hangs.
	for range 1_000_000 {
		after, err := cpuTime(proc, os.Getpid())
		if err != nil || after < before {
			t.Fatalf("CPU went from %v to %v, %v", before, after, err)
		}
		if after > before {
			return
		}
	}
	t.Error("work takes no CPU")
}

func FuzzParseStat(f *testing.F) {
	f.Add("caddy", uint32(3), uint32(4))
	f.Add(") S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 (", uint32(0), uint32(1<<31))
	f.Fuzz(func(t *testing.T, name string, user, system uint32) {
		if strings.ContainsAny(name, "\n\x00") {
			return // no name of a process
		}
		text := "12 (" + name + ") R 1 1 1 0 -1 0 0 0 0 0 " + number(float64(user)) + " " + number(float64(system)) + " 0 0 20\n"
		if pid, parent, err := parseParent("12/stat", []byte(text)); err != nil || pid != 12 || parent != 1 {
			t.Errorf("process %d of %d, %v", pid, parent, err)
		}
		got, err := parseStat([]byte(text))
		if want := (time.Duration(user) + time.Duration(system)) * tickLength; err != nil || got != want {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	})
}
