package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// heap is what Go tells of a process' memory.
type heap struct {
	mallocs float64 // objects allocated so far
	live    float64 // bytes in use
}

// maxProfile bounds what is read of an admin endpoint, in bytes.
const maxProfile = 64 << 20

// heap asks Caddy's admin endpoint; collect first runs the garbage collector,
// so that live is what is really held.
func (run *running) heap(ctx context.Context, collect bool) (heap, error) {
	path := "/debug/pprof/heap?debug=1"
	if collect {
		// Twice: what lies in a sync.Pool survives the first.
		if _, err := run.ofAdmin(ctx, path+"&gc=1"); err != nil {
			return heap{}, err
		}
		path += "&gc=1"
	}
	text, err := run.ofAdmin(ctx, path)
	if err != nil {
		return heap{}, err
	}
	return parseHeap(text)
}

// parseHeap reads the runtime.MemStats at the end of a heap profile in text.
func parseHeap(text []byte) (h heap, err error) {
	for name, target := range map[string]*float64{"Mallocs": &h.mallocs, "HeapAlloc": &h.live} {
		_, rest, found := bytes.Cut(text, []byte("\n# "+name+" = "))
		if !found {
			return heap{}, fmt.Errorf("the heap profile does not tell %s", name)
		}
		value, _, _ := bytes.Cut(rest, []byte("\n"))
		if *target, err = strconv.ParseFloat(string(value), 64); err != nil {
			return heap{}, fmt.Errorf("reading %s of the heap profile: %w", name, err)
		}
	}
	return h, nil
}

// ofAdmin gets something of the arm's admin endpoint.
func (run *running) ofAdmin(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, seconds(run.rig.seconds)+time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+run.admin+path, http.NoBody) // #nosec G704 -- loopback, a port of our own
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req) // #nosec G704 -- as above
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the admin endpoint of %s answers %s", run.name, resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxProfile))
}
