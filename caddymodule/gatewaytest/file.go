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
