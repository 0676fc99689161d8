package caller

import "testing"

// The request's headers are logged after the answer was written.
func TestRoomForHeaderValuesIsGivenOnce(t *testing.T) {
	v := new(Remembered)
	first := v.Room()
	if len(first) != RoomValues {
		t.Fatalf("room for %d values", len(first))
	}
	if second := v.Room(); second != nil {
		t.Errorf("given a second time: %d values", len(second))
	}
}
