package streams

import "testing"

func TestWhatIsToBeCutOffWaitsForNoLookThatHangs(t *testing.T) {
	var e ends
	told := make(chan Cut, 1)
	k := &Keeper{Cut: func(c Cut) { told <- c }}
	e.add(ending{k, Cut{Why: Revoked}, []*Stream{new(Stream), new(Stream)}})
	if c := <-told; c.Streams != 2 || c.Why != Revoked {
		t.Errorf("cut off: %+v", c)
	}
}
