package wire_test

import (
	"io"
	"log"
	"os"
	"testing"
)

// net/http's Transport, with which ours is compared, logs what apps say unasked.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}
