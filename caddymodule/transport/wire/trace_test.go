package wire_test

import (
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// heard are the hooks of a request's trace in the order of their calls.
type heard struct {
	mu    sync.Mutex
	calls []string
}

func (h *heard) say(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, what)
}

func (h *heard) trace() *httptrace.ClientTrace {
	reused := map[bool]string{true: " again", false: ""}
	return &httptrace.ClientTrace{
		GetConn:              func(string) { h.say("GetConn") },
		GotConn:              func(i httptrace.GotConnInfo) { h.say("GotConn" + reused[i.Reused] + reused[i.WasIdle]) },
		PutIdleConn:          func(err error) { h.say("PutIdleConn" + reused[err == nil]) },
		GotFirstResponseByte: func() { h.say("GotFirstResponseByte") },
		Got100Continue:       func() { h.say("Got100Continue") },
		Got1xxResponse:       func(code int, _ textproto.MIMEHeader) error { h.say(http.StatusText(code)); return nil },
		WroteHeaderField:     func(key string, _ []string) { h.say("WroteHeaderField " + key) },
		WroteHeaders:         func() { h.say("WroteHeaders") },
		Wait100Continue:      func() { h.say("Wait100Continue") },
		WroteRequest:         func(i httptrace.WroteRequestInfo) { h.say("WroteRequest" + reused[i.Err == nil]) },
		ConnectStart:         func(string, string) { h.say("ConnectStart") },
		ConnectDone:          func(_, _ string, err error) { h.say("ConnectDone" + reused[err == nil]) },
	}
}

func TestATraceHearsWhatItHearsOfNetHTTP(t *testing.T) {
	for name, c := range map[string]struct {
		request func(string) *http.Request
		app     script
	}{
		"a GET":                       {requests["GET"], answersWell},
		"a POST":                      {requests["POST"], answersWell},
		"a large PUT":                 {requests["a large PUT"], answersWell},
		"a body that waits for a 100": {expecting["a POST"], script{before: "HTTP/1.1 100 Continue\r\n\r\n", answer: next}},
		"a 103":                       {requests["GET"], script{before: "HTTP/1.1 103 Early Hints\r\n\r\n", answer: next}},
	} {
		t.Run(name, func(t *testing.T) {
			theirs, ours := transports(dial)
			defer theirs.CloseIdleConnections()
			defer ours.CloseIdleConnections()
			var all [2][]string
			for i, rt := range []http.RoundTripper{theirs, ours} {
				a := newApp(t, c.app)
				for range 2 {
					var h heard
					r := c.request(a.url())
					ask(rt, r.WithContext(httptrace.WithClientTrace(r.Context(), h.trace())))
					h.mu.Lock()
					all[i] = append(all[i], ordered(h.calls)...)
					h.mu.Unlock()
				}
			}
			if !reflect.DeepEqual(all[0], all[1]) {
				t.Errorf("it hears\n%q\nand of net/http\n%q", all[1], all[0])
			}
		})
	}
}

// ordered sorts what the order of is chance: fields of a header, and reading
// beside writing.
func ordered(calls []string) []string {
	writes := slices.DeleteFunc(slices.Clone(calls), func(c string) bool { return !strings.HasPrefix(c, "Wrote") && c != "Wait100Continue" })
	rest := slices.DeleteFunc(slices.Clone(calls), func(c string) bool { return strings.HasPrefix(c, "Wrote") || c == "Wait100Continue" })
	return append(rest, writes...)
}

// A hook that panics leaves a message half read.
func TestAPanicIsAnErrorAndItsConnectionIsClosed(t *testing.T) {
	for name, trace := range map[string]*httptrace.ClientTrace{
		"before the answer": {GotFirstResponseByte: func() { panic("of a hook") }},
		"in the request":    {WroteHeaders: func() { panic("of a hook") }},
		"at a 103":          {Got1xxResponse: func(int, textproto.MIMEHeader) error { panic("of a hook") }},
		"at the connection": {GotConn: func(httptrace.GotConnInfo) { panic("of a hook") }},
	} {
		for _, request := range []string{"GET", "POST", "a large PUT"} {
			_, ours := transports(dial)
			a := newApp(t, script{before: "HTTP/1.1 103 Early Hints\r\n\r\n", answer: next})
			r := requests[request](a.url())
			resp, err := ours.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
			if err == nil || !strings.Contains(err.Error(), "panicked: of a hook") {
				t.Errorf("%s, %s: %v, %v", request, name, resp, err)
			}
			await(t, "the connection is closed", func() bool { all, open := a.connections(); return all == 1 && open == 0 })
		}
	}
}

// By then the connection may be somebody else's.
func TestAPanicBehindTheExchangeHarmsNobody(t *testing.T) {
	_, ours := transports(dial)
	defer ours.CloseIdleConnections()
	a := newApp(t, answersWell)
	for _, request := range []string{"GET", "HEAD", "POST"} {
		r := requests[request](a.url())
		trace := &httptrace.ClientTrace{PutIdleConn: func(error) { panic("of a hook") }}
		if o := ask(ours, r.WithContext(httptrace.WithClientTrace(r.Context(), trace))); o.Fails || o.BodyFails {
			t.Errorf("%s: %s", request, brief(o))
		}
	}
	if all, _ := a.connections(); all != 1 {
		t.Errorf("%d connections", all)
	}
}
