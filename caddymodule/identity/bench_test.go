package identity_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"

	"example.com/sidegate/caddymodule/identity"
)

// The request's way: none of it allocates on an ordinary request.
func TestTheRequestsWayDoesNotAllocate(t *testing.T) {
	h, strip, rendered := browserHeaders(), identity.NewStripper("Tenant-Id"), newSet(t, "native", "kubernetes").Render(ada())
	table := strip.With([]string{"X-Original-Url"}, identity.Foreign)
	rendered.Inject(h) // makes room in the map, which is the runtime's own
	r := httptest.NewRequest("GET", "/assets/app.js", nil)
	r.Header = h
	websocket := http.Header{"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"WebSocket"}}
	for name, step := range map[string]func(){
		"Strip and Inject":               func() { strip.Strip(h); rendered.Inject(h) },
		"Strip by a table":               func() { table.Strip(h) },
		"StripTrailers":                  func() { strip.StripTrailers(r) },
		"ReduceConnection":               func() { identity.ReduceConnection(h) },
		"ReduceConnection, websocket":    func() { identity.ReduceConnection(websocket) },
		"DropTrailers":                   func() { identity.DropTrailers(r) },
		"FindCookie":                     func() { identity.FindCookie(h["Cookie"], cookie) },
		"Cookies":                        func() { countCookies(h["Cookie"]) },
		"RemoveCookie, cookie is absent": func() { identity.RemoveCookie(h, "absent", "") },
	} {
		if n := testing.AllocsPerRun(100, step); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func TestAllocationsThatAreNeeded(t *testing.T) {
	h, rendered := browserHeaders(), newSet(t).Render(ada())
	rendered.Inject(h)
	if n := testing.AllocsPerRun(100, func() { rendered.InjectInto(h, nil) }); n > 1 {
		t.Errorf("InjectInto without room: %v allocations, want 1", n)
	}
	room := make([]string, 9)
	if n := testing.AllocsPerRun(100, func() { rendered.InjectInto(h, room) }); n != 0 {
		t.Errorf("InjectInto: %v allocations, want 0", n)
	}
	line := h["Cookie"]
	if n := testing.AllocsPerRun(100, func() { h["Cookie"] = line; identity.RemoveCookie(h, cookie, "") }); n > 2 {
		t.Errorf("RemoveCookie: %v allocations, want at most 2", n)
	}
}

func BenchmarkStrip(b *testing.B) {
	h, s := browserHeaders(), identity.NewStripper()
	b.ReportAllocs()
	for b.Loop() {
		s.Strip(h)
	}
}

func BenchmarkInject(b *testing.B) {
	h, r := browserHeaders(), newSet(b).Render(ada())
	b.ReportAllocs()
	for b.Loop() {
		r.Inject(h)
	}
}

func BenchmarkInjectInto(b *testing.B) {
	h, r := browserHeaders(), newSet(b).Render(ada())
	room := make([]string, 9)
	b.ReportAllocs()
	for b.Loop() {
		r.InjectInto(h, room)
	}
}

func BenchmarkRender(b *testing.B) {
	s, v := newSet(b), ada()
	b.ReportAllocs()
	for b.Loop() {
		s.Render(v)
	}
}

func BenchmarkFindCookie(b *testing.B) {
	h := browserHeaders()
	b.ReportAllocs()
	for b.Loop() {
		identity.FindCookie(h["Cookie"], cookie)
	}
}

func BenchmarkCookies(b *testing.B) {
	h := browserHeaders()
	b.ReportAllocs()
	for b.Loop() {
		countCookies(h["Cookie"])
	}
}

func countCookies(lines []string) (n int) {
	for range identity.Cookies(lines) {
		n++
	}
	return n
}

func BenchmarkRemoveCookie(b *testing.B) {
	h := browserHeaders()
	line := h["Cookie"]
	b.ReportAllocs()
	for b.Loop() {
		h["Cookie"] = line
		identity.RemoveCookie(h, cookie, "")
	}
}

func BenchmarkReduceConnection(b *testing.B) {
	h := browserHeaders()
	b.ReportAllocs()
	for b.Loop() {
		identity.ReduceConnection(h)
	}
}

// There is one for each session in the near cache, and the collector looks at each
// piece of memory by itself.
func TestTheHeadersOfASessionAreTwoPiecesOfMemory(t *testing.T) {
	const many = 2000
	set, all := newSet(t), make([]identity.Rendered, many)
	pieces := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapObjects)
	}
	before := pieces()
	for i := range all {
		v := ada()
		v.UserID = strconv.Itoa(100_000 + i)
		v.SessionID = "session-" + v.UserID
		all[i] = set.Render(v)
	}
	used := (pieces() - before) / many
	t.Logf("%.2f pieces of memory", used)
	if used > 2.2 { // the values, and their text
		t.Errorf("they are %.2f; want two", used)
	}
	runtime.KeepAlive(all)
}
