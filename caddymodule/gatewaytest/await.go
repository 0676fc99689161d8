package gatewaytest

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// Patience bounds every wait. Only a test that fails waits so long, for a
	// machine that tests much at once, under the race detector, is slow.
	Patience = 2 * time.Minute
	// lookEvery is how often a condition is looked at while it is waited for.
	lookEvery = 10 * time.Millisecond
)

// Await waits until the condition holds, and fails the test when it does not
// in time. What says what is waited for, as a sentence that follows "until";
// state, where it is given, says what is there instead. What a client was last
// answered is told in any case.
func Await(t testing.TB, what string, holds func() bool, state ...func() string) {
	t.Helper()
	giveUp := time.After(Patience)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for !holds() {
		select {
		case <-giveUp:
			instead := ""
			for _, describe := range state {
				instead += "; instead there is " + describe()
			}
			instead += lastAnswered(t)
			t.Fatalf("waited %v in vain until %s%s", Patience, what, instead)
		case <-tick.C:
		}
	}
}

// Hold holds a request up until the gate is open or its client has gone. When a
// test fails meanwhile nobody opens the gate, and the server's Close, which waits
// for what is under way, would wait for ever.
func Hold(r *http.Request, gate <-chan struct{}) {
	select {
	case <-gate:
	case <-r.Context().Done():
	}
}

// answered are the last answers, by the names of the tests of their clients.
var answered sync.Map

// lastAnswered tells of the last answer in this test, or in that around it.
func lastAnswered(t testing.TB) string {
	for name := t.Name(); name != ""; name = name[:max(0, strings.LastIndexByte(name, '/'))] {
		if a, ok := answered.Load(name); ok {
			a := a.(Answer)
			return fmt.Sprintf("; the last answer, to %s %s, was %s\n%s", a.Request.Method, a.Request.URL.Path, a.Status, a.Body)
		}
	}
	return ""
}

// Rounds is how often a test repeats itself: the more often with SIDEGATE_LONG.
func Rounds(short, long int) int {
	if Long() {
		return long
	}
	return short
}

// Long says that tests may take their time, and have the machine to themselves:
// figures mean something then.
func Long() bool { return os.Getenv("SIDEGATE_LONG") != "" }
