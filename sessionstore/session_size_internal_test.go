package sessionstore

import (
	"testing"
	"unsafe"
)

// A gateway holds a hundred thousand of them: see Session.
func TestASessionIsSmallEnoughForTheCollectorToTakeManyTogether(t *testing.T) {
	if size := unsafe.Sizeof(Session{}); size > 512 {
		t.Errorf("a session has %d bytes; want at most 512: put small fields side by side, or what few sessions have behind a pointer", size)
	}
}
