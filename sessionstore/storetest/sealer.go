package storetest

import (
	"bytes"
	"testing"

	"example.com/sidegate/sessionstore"
)

// NewSealer returns a sealer of one key for each byte, which fills it: the
// first seals, all open.
func NewSealer(t testing.TB, fills ...byte) *sessionstore.Sealer {
	t.Helper()
	keys := make([][]byte, len(fills))
	for i, fill := range fills {
		keys[i] = bytes.Repeat([]byte{fill}, sessionstore.SealingKeySize)
	}
	sealer, err := sessionstore.NewSealer(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}
