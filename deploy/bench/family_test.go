package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// processOf is the stat of a process with that parent.
func processOf(name string, parent int) *fstest.MapFile {
	return file(fmt.Sprintf("1 (%s) S %d 7 7 0 -1 4194304 100 0 0 0 250 50 9 9 20 0\n", name, parent))
}

func TestFamily(t *testing.T) {
	server := fstest.MapFS{
		"1/stat": processOf("init", 0), "7/stat": processOf("apache2", 1), "70/stat": processOf("apache2", 1),
		"8/stat": processOf("apache2", 7), "12/stat": processOf("a ) R 9 (", 7), "9/stat": processOf("cgi", 12),
		"71/stat": processOf("apache2", 70), "self/stat": file("nothing"), "loadavg": file("1 2 3"),
	}
	for _, c := range []struct {
		name string
		proc fs.FS
		pid  int
		want []int
		fail string
	}{
		{"is children and their children, and nobody else's", server, 7, []int{7, 8, 12, 9}, ""},
		{"is one process alone when it has no children", server, 9, []int{9}, ""},
		{"passes over a process that ends while it is looked for", endsMeanwhile{server}, 7, []int{7, 12, 9}, ""},
		{"fails on a stat that is cut off", fstest.MapFS{"7/stat": file("7 (apache2) S 1")}, 7, nil, "7/stat: "},
		{"fails on a parent that is no number", fstest.MapFS{"7/stat": file("7 (apache2) S x 7 7 0 -1 4194304 100 0 0 0 250 50\n")}, 7, nil, "invalid syntax"},
		{"fails on a process that is no number", fstest.MapFS{"7x/stat": processOf("apache2", 1)}, 7, nil, "invalid syntax"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := family(c.proc, c.pid)
			expect(t, err, c.fail)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// endsMeanwhile is a /proc whose process 8 is listed and then gone.
type endsMeanwhile struct{ fstest.MapFS }

func (e endsMeanwhile) Open(name string) (fs.File, error) {
	if name == "8/stat" {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errNoProcess}
	}
	return e.MapFS.Open(name)
}

func (e endsMeanwhile) ReadFile(name string) ([]byte, error) {
	if name == "8/stat" {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errNoProcess}
	}
	return e.MapFS.ReadFile(name)
}

// member is what /proc has of a process that has used so many nanoseconds and
// kilobytes.
func member(proc fstest.MapFS, pid, parent, spent, kilobytes int) {
	proc[fmt.Sprintf("%d/stat", pid)] = processOf("apache2", parent)
	proc[fmt.Sprintf("%d/task/%d/schedstat", pid, pid)] = file(fmt.Sprintf("%d 1 1\n", spent))
	proc[fmt.Sprintf("%d/status", pid)] = file(fmt.Sprintf("VmRSS:\t%d kB\n", kilobytes))
}

func TestUsageIsOfTheWholeFamily(t *testing.T) {
	self := os.Getpid() // stands in for a server that was started
	proc := make(fstest.MapFS)
	member(proc, self, 1, 100, 1)
	member(proc, self+1, self, 20, 2)
	member(proc, self+2, self, 3, 4)
	member(proc, self+3, 1, 5000, 5000)
	run := &running{arm: &arm{name: "test"}, rig: &rig{proc: proc}, procs: []*process{ourselves(t)}}
	u, err := run.usage()
	if err != nil || u.cpu != 123 || u.resident != 7*1024 || !slices.Equal(u.pids, []int{self, self + 1, self + 2}) {
		t.Errorf("got %+v, %v", u, err)
	}
	for _, name := range []string{"task/%[1]d/schedstat", "status"} {
		broken := fmt.Sprintf("%[1]d/"+name, self+1)
		whole := proc[broken]
		proc[broken] = file("nothing of it")
		if _, err := run.usage(); err == nil {
			t.Errorf("%s is broken, and there is no error", broken)
		}
		proc[broken] = whole
	}
	proc["1/stat"] = file("nothing of it")
	if _, err := run.usage(); err == nil {
		t.Error("a family that is not known has a usage")
	}
}

// ourselves is this process as if it had been started.
func ourselves(t *testing.T) *process {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return &process{name: "test", cmd: &exec.Cmd{Process: self}}
}

func TestUsageOverTime(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after usage
		want          time.Duration
		fail          string
	}{
		{"is what came since", usage{cpu: 10, pids: []int{7, 8}}, usage{cpu: 25, pids: []int{7, 8}}, 15, ""},
		{"counts a new process whole", usage{cpu: 10, pids: []int{7}}, usage{cpu: 19, pids: []int{7, 8}}, 9, ""},
		{"is not known once a process ended", usage{cpu: 10, pids: []int{7, 8}}, usage{cpu: 19, pids: []int{7, 9}}, 0, "process 8 of the arm ended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.after.since(c.before)
			expect(t, err, c.fail)
			if got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// A load during which a process of the arm ends gives no figure.
func TestAProcessThatEndsUnderLoadGivesNoSample(t *testing.T) {
	self := os.Getpid()
	proc := make(fstest.MapFS)
	member(proc, self, 1, 100, 1)
	member(proc, self+1, self, 20, 2)
	run := &running{arm: &arm{name: "test"}, rig: &rig{proc: proc}, procs: []*process{ourselves(t)}}
	_, err := run.observe(t.Context(), func() (outcome, error) {
		delete(proc, fmt.Sprintf("%d/stat", self+1))
		return outcome{Requests: 1, Seconds: 1}, nil
	})
	expect(t, err, "ended under load")
}

func TestWorkOfAChildCounts(t *testing.T) {
	p := &process{name: "test"}
	children(t, p, "while :; do :; done & sleep 600 & wait")
	run := &running{arm: &arm{name: "test"}, rig: &rig{proc: os.DirFS("/proc")}, procs: []*process{p}}
	err := p.until(t.Context(), "its child's work is counted", func(context.Context) bool {
		u, err := run.usage()
		own, ownErr := cpuTime(run.rig.proc, p.pid())
		if err := errors.Join(err, ownErr); err != nil {
			t.Error(err)
		}
		return u.cpu > own+20*time.Millisecond || t.Failed()
	})
	if err != nil {
		t.Error(strings.TrimSpace(err.Error()))
	}
}
