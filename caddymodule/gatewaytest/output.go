package gatewaytest

import (
	"bytes"
	"sync"
)

// Output gathers what a process prints.
type Output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write adds to it.
func (l *Output) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// String is all of it.
func (l *Output) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
