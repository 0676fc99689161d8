package embedded_test

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

// Anybody can make a cookie up: what it costs must not be a write to the disk.
func TestAMadeUpSecretCostsNoWrite(t *testing.T) {
	path := newPath(t)
	st := embedded.New(openDB(t, path), storetest.NewSealer(t, 'k'), nil)
	kept := newSession(1)
	if err := storetest.Keep(t.Context(), st, kept); err != nil {
		t.Fatal(err)
	}
	content := func() []byte {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	before := content()
	for range 50 {
		s := newSession(1)
		_, err := st.Get(t.Context(), s.Key)
		if _, err2 := st.Update(t.Context(), s); !errors.Is(err, sessionstore.ErrNotFound) || !errors.Is(err2, sessionstore.ErrNotFound) {
			t.Fatalf("it answers %v, %v", err, err2)
		}
		if err := st.Touch(t.Context(), s, time.Now()); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Fatalf("Touch answers %v", err)
		}
		if err := storetest.End(t.Context(), st, s.Key); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(before, content()) {
		t.Error("the file has changed")
	}
	if err := storetest.End(t.Context(), st, kept.Key); err != nil || bytes.Equal(before, content()) {
		t.Errorf("the end of a session was not written: %v", err)
	}
}
