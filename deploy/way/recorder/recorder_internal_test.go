package recorder

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestWhatIsEnteredAndLeftIsWrittenDownWithItsGoroutine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "way")
	n := open(name)
	me, child, done := current(), 0, make(chan struct{})
	leave := n.enter("a/a.go", "Serve")
	go func() {
		defer close(done)
		child = current()
		n.enter("a/b.go", "func")()
	}()
	<-done
	leave()
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	// Who began the test's own goroutine is the test runner's business.
	want := fmt.Sprintf("new %d %d\nin %[1]d a/a.go Serve\nnew %[3]d %[1]d\nin %[3]d a/b.go func\nout %[3]d\nout %[1]d\n", me, parent(), child)
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWithoutTheVariableNothingIsWritten(t *testing.T) {
	if open("") != nil {
		t.Error("there is a book")
	}
	Enter("a/a.go", "Serve")()
}
