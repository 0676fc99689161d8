package gatewaytest

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Usage is what a gateway takes of the machine.
type Usage struct {
	Goroutines int
	Resident   int64 // bytes
}

// Usage asks the process and the kernel.
func (p *Process) Usage() Usage {
	p.t.Helper()
	var u Usage
	resp, err := NoRedirects.Get("http://" + p.Site.Admin + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := fmt.Fscanf(resp.Body, "goroutine profile: total %d", &u.Goroutines); err != nil {
		p.t.Fatalf("reading how many goroutines there are: %v", err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		p.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscanf(rest, "%d kB", &u.Resident); err != nil {
		p.t.Fatalf("reading how much memory there is: %v", err)
	}
	u.Resident <<= 10
	return u
}

// PeakUsage is the most of each that was seen while during ran.
func (p *Process) PeakUsage(during func()) Usage {
	p.t.Helper()
	var peak Usage
	done := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			u := p.Usage()
			peak.Goroutines, peak.Resident = max(peak.Goroutines, u.Goroutines), max(peak.Resident, u.Resident)
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	during()
	close(done)
	looking.Wait()
	return peak
}
