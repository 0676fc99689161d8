package gatewaytest

import (
	"os"
	"testing"
)

// WriteFile writes a file that nobody else may read.
func WriteFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// BusyFolder is a folder that is removed after the test, for programs whose
// children may outlive them and write a last word into it: a browser's do, and
// t.TempDir would fail the test for it.
func BusyFolder(t testing.TB) string {
	t.Helper()
	path, err := os.MkdirTemp("", "busy")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var err error
		Await(t, path+" is removed", func() bool { err = os.RemoveAll(path); return err == nil },
			func() string { return err.Error() })
	})
	return path
}
