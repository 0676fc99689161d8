package gatewaytest

import (
	"os"
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
// state, where it is given, says what is there instead.
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
			t.Fatalf("waited %v in vain until %s%s", Patience, what, instead)
		case <-tick.C:
		}
	}
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
