package nearcache

import (
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

func TestWhatIsNeverHeardTakesABoundedRoom(t *testing.T) {
	d := newRevocationDelay(time.Now, func(time.Duration) {})
	for i := range int64(3 * maxAwaited) {
		d.send(sessionstore.NewSecret(i).Key())
		if n := len(d.sent); n > maxAwaited {
			t.Fatalf("%d are waited for; want %d at most", n, maxAwaited)
		}
	}
}

func TestARevocationThatFailedIsNotWaitedFor(t *testing.T) {
	d := newRevocationDelay(time.Now, func(time.Duration) {})
	key := sessionstore.NewSecret(1).Key()
	d.send(key)
	d.forget(key)
	if len(d.sent) != 0 {
		t.Errorf("%d messages are waited for that nobody has sent", len(d.sent))
	}
}
