package faults_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// mostPerStream is what session_auth may need beyond reverse_proxy for a stream that
// is open, in bytes.
const mostPerStream = 20 << 10

// What does a stream need of memory, beyond what Caddy needs to pass it on?
func TestMemoryOfAnOpenStream(t *testing.T) {
	const alone = "session_endpoints\nreverse_proxy {upstream}"
	count := fitting(t, gatewaytest.Rounds(200, 10_000))
	srv := redistest.Start(t)
	measure := func(routes string) (live, resident int64) {
		s := streamSite(t, srv.URL())
		s.Routes = routes
		gateway := gatewaytest.StartProcess(t, s)
		devices := signedIn(t, gateway.Server, gatewaytest.Ada, count/10)
		openAudience(t, gateway.Server, 1, devices[0].Cookie) // what is made once is there
		before, liveBefore := gateway.Usage(), liveMemory(t, gateway)
		a := openAudience(t, gateway.Server, count, cookiesOf(devices)...)
		live = liveMemory(t, gateway) - liveBefore
		resident = gateway.Usage().Resident - before.Resident
		a.wantOpen("when it was measured")
		a.close()
		gateway.Kill()
		return live / int64(count), resident / int64(count)
	}
	proxyLive, proxyResident := measure(alone)
	ourLive, ourResident := measure("")
	figure(t, "memory of an event stream that is open", fmt.Sprintf("%d of %d sessions", count, count/10),
		"heap and stacks that are in use: %.1f kB with session_auth, %.1f kB by reverse_proxy alone; resident: %.1f kB, %.1f kB",
		float64(ourLive)/1e3, float64(proxyLive)/1e3, float64(ourResident)/1e3, float64(proxyResident)/1e3)
	if gatewaytest.Long() && ourLive-proxyLive > mostPerStream {
		t.Errorf("a stream needs %d bytes more than by reverse_proxy alone; want %d at most", ourLive-proxyLive, mostPerStream)
	}
}

var inUse = regexp.MustCompile(`(?m)^# (?:HeapAlloc|Stack) = (\d+)`)

// liveMemory is what is in use of heap and stacks when garbage was collected, in
// bytes.
func liveMemory(t *testing.T, p *gatewaytest.Process) (sum int64) {
	t.Helper()
	resp, err := gatewaytest.NoRedirects.Get("http://" + p.Site.Admin + "/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	found := inUse.FindAllSubmatch(text, -1)
	if err != nil || resp.StatusCode != http.StatusOK || len(found) != 2 {
		t.Fatalf("the heap is told by %s, %v: %d of 2 figures", resp.Status, err, len(found))
	}
	for _, one := range found {
		n, err := strconv.ParseInt(string(one[1]), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}
