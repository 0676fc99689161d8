package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// credentialMark stands in a request for the credential that is sent with it.
const credentialMark = "{credential}" // #nosec G101 -- none

// job is one load. It is handed to a process of its own as JSON.
type job struct {
	// Network and Address are of the arm.
	Network, Address string
	// Request is the whole request, with credentialMark where one of
	// Credentials goes, in turns.
	Request     string
	Credentials []string
	Connections int
	// Seconds is how long the load lasts, unless Requests are done before;
	// 0 of either means no bound.
	Seconds  float64
	Requests int
	// Rate is how many requests are sent a second, however fast they are
	// answered (an open loop). 0 sends the next when one is answered.
	Rate float64

	// processors are those that the load runs on; none means any.
	processors []int
}

// outcome is what came of a load.
type outcome struct {
	Requests int
	Seconds  float64
	// P50 and P99 are microseconds from when a request was due, so that
	// a stalled server also counts for those that waited behind it.
	P50, P99 float64
}

// apply has a process of its own do the job.
func apply(ctx context.Context, j job) (outcome, error) {
	exe, err := os.Executable()
	if err != nil {
		return outcome{}, err
	}
	input, err := json.Marshal(j)
	if err != nil {
		return outcome{}, err
	}
	var said, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, exe) // #nosec G204 -- ourselves
	cmd.Env = append(os.Environ(), as(roleLoad))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &said, &errs
	err = startOn(j.processors, cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return outcome{}, fmt.Errorf("load: %w: %s", err, strings.TrimSpace(errs.String()))
	}
	var o outcome
	return o, json.Unmarshal(said.Bytes(), &o)
}

// load is a job under way.
type load struct {
	job
	requests [][]byte
	next     atomic.Int64
	stop     chan struct{}
	due      chan time.Time // of an open loop
	until    time.Time
}

// do does the job in this process. One failed request fails it all: figures
// of a server that makes errors are worth nothing.
func (j job) do() (outcome, error) {
	l := &load{job: j, requests: j.requests(), stop: make(chan struct{})}
	wires := make([]*wire, 0, j.Connections)
	defer func() {
		for _, w := range wires {
			w.close()
		}
	}()
	for range j.Connections {
		w, err := dial(j.Network, j.Address)
		if err != nil {
			return outcome{}, err
		}
		wires = append(wires, w)
	}
	return l.run(wires)
}

// requests are made ahead, so that sending one is all that is left to do.
func (j job) requests() [][]byte {
	if len(j.Credentials) == 0 {
		return [][]byte{[]byte(j.Request)}
	}
	all := make([][]byte, len(j.Credentials))
	for i, c := range j.Credentials {
		all[i] = []byte(strings.Replace(j.Request, credentialMark, c, 1))
	}
	return all
}

func (l *load) run(wires []*wire) (outcome, error) {
	var (
		all   = make([][]time.Duration, len(wires))
		errs  = make([]error, len(wires))
		group sync.WaitGroup
		once  sync.Once
		begun = time.Now()
	)
	if l.Seconds > 0 {
		l.until = begun.Add(seconds(l.Seconds))
	}
	if l.Rate > 0 {
		// One more, so that the pace is never kept from its time by the workers.
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
		// At least one: a machine that is so busy has figures all the same.
		l.due = make(chan time.Time, max(int(l.Rate*l.Seconds), 1)+1)
		go l.pace(begun)
	}
	for i, w := range wires {
		group.Go(func() {
			if all[i], errs[i] = l.work(w); errs[i] != nil {
				once.Do(func() { close(l.stop) })
			}
		})
	}
	group.Wait()
	took := time.Since(begun)
	return summary(slices.Concat(all...), took), firstOf(errs)
}

func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// work sends requests over one connection until the load is over.
func (l *load) work(w *wire) (took []time.Duration, err error) {
	for {
		due, ok := l.turn()
		if !ok {
			return took, nil
		}
		i := l.next.Add(1) - 1
		if l.Requests > 0 && i >= int64(l.Requests) {
			return took, nil
		}
		if err := w.exchange(l.requests[i%int64(len(l.requests))], due); err != nil {
			return took, fmt.Errorf("request %d: %w", i+1, err)
		}
		took = append(took, time.Since(due))
	}
}

// turn waits until a request is due, and says when it was.
func (l *load) turn() (due time.Time, ok bool) {
	select {
	case <-l.stop:
		return due, false
	default:
	}
	if l.due != nil {
		due, ok = <-l.due
		return due, ok
	}
	due = time.Now()
	return due, l.until.IsZero() || due.Before(l.until)
}

// pace says when requests are due. It waits for nobody: what the workers have
// no time for queues up. A moment that it overslept itself counts from when it
// woke, for that is no fault of the server.
func (l *load) pace(begun time.Time) {
	runtime.LockOSThread()
	defer close(l.due)
	for i := range cap(l.due) - 1 {
		sleepUntil(begun.Add(time.Duration(float64(i) / l.Rate * float64(time.Second))))
		select {
		case <-l.stop:
			return
		case l.due <- time.Now():
		}
	}
}

func summary(took []time.Duration, length time.Duration) outcome {
	micros := make([]float64, len(took))
	for i, d := range took {
		micros[i] = float64(d) / float64(time.Microsecond)
	}
	slices.Sort(micros)
	return outcome{
		Requests: len(took), Seconds: length.Seconds(),
		P50: percentile(micros, 50), P99: percentile(micros, 99),
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
