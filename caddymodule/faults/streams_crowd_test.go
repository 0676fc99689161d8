package faults_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// TestStreamsThatEndedLeaveNothingBehind: of many streams, opened and ended in
// portions, the gateway keeps no goroutine.
func TestStreamsThatEndedLeaveNothingBehind(t *testing.T) {
	a := newStreamApp(t)
	p := gatewaytest.StartProcess(t, a.site(""))
	const portion = 50
	round := func(t *testing.T) {
		c := p.Client(t)
		c.SignIn(gatewaytest.Ada)
		var all [portion]*opened
		var opening sync.WaitGroup
		for i := range all {
			names := []string{"Go's websocket", "an event stream", "a stream of gRPC", "a long answer", "an upload"}
			all[i] = a.prepare(names[i%len(names)], "app")
			opening.Go(func() { streamClients[all[i].name].open(t, p.Server, c.Cookie, all[i]) })
		}
		opening.Wait()
		for _, o := range all {
			o.awaitBegin(t)
		}
		c.Post("/auth/logout").Want(t, http.StatusNoContent)
		for _, o := range all {
			o.wantEnd(t)
		}
	}
	t.Run("to begin with", round) // what is kept for the next requests is there then
	before := goroutines(t, p)
	for n := range gatewaytest.Rounds(500, 10_000) / portion {
		if !t.Run(fmt.Sprint("streams from ", n*portion), round) {
			return
		}
	}
	p.AwaitSample("open_streams", 0)
	gatewaytest.Await(t, "no goroutine is left of them", func() bool { return goroutines(t, p) <= before })
}

// goroutines are how many the gateway has, once no client keeps a connection.
func goroutines(t testing.TB, p *gatewaytest.Process) (n int) {
	t.Helper()
	gatewaytest.NoRedirects.CloseIdleConnections()
	resp, err := own(t).Do(request(t, http.MethodGet, "http://"+p.Site.Admin+"/debug/pprof/goroutine?debug=1", nil, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err == nil {
		_, err = fmt.Sscanf(string(said), "goroutine profile: total %d", &n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}
