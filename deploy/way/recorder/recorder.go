// Package recorder is compiled into the gateway that deploy/way watches. Each
// function there calls it first, and it writes that down. It knows the standard
// library alone, for every package of the gateway imports it.
package recorder

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
)

// Variable is of the environment: it names the file that is written to. Without
// it nothing is.
const Variable = "SIDEGATE_WAY"

var book = open(os.Getenv(Variable))

// notes is a file of what happened, a line each:
//
//	new <goroutine> <the goroutine that began it>
//	in <goroutine> <file> <function>
//	out <goroutine>
type notes struct {
	mu   sync.Mutex
	file *os.File
	seen map[int]bool // goroutines
}

func open(name string) *notes {
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) // #nosec G703 -- whoever runs it says where
	if err != nil {
		panic(err) // nothing would be seen, and nobody would know
	}
	return &notes{file: file, seen: make(map[int]bool)}
}

// Enter notes that a function was entered, and returns what notes that it was
// left. The name of a function literal is that of no function: "func".
func Enter(file, function string) (leave func()) {
	if book == nil {
		return func() {}
	}
	return book.enter(file, function)
}

func (n *notes) enter(file, function string) (leave func()) {
	goroutine := current()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.seen[goroutine] {
		n.seen[goroutine] = true
		n.write("new %d %d\n", goroutine, parent())
	}
	n.write("in %d %s %s\n", goroutine, file, function)
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.write("out %d\n", goroutine)
	}
}

// write writes at once: whoever reads the file waits for the last line.
func (n *notes) write(format string, values ...any) {
	if _, err := fmt.Fprintf(n.file, format, values...); err != nil {
		panic(err)
	}
}

// current is the number of this goroutine, which is the first that a stack says.
func current() int {
	stack := make([]byte, 64)
	return number(stack[:runtime.Stack(stack, false)], "goroutine ")
}

// parent is the number of the goroutine that began this one, which is the last
// that a stack says; 0 for the main one.
func parent() int {
	stack := make([]byte, 1<<18)
	stack = stack[:runtime.Stack(stack, false)]
	return number(stack[max(0, bytes.LastIndex(stack, []byte("\ncreated by "))):], " in goroutine ")
}

func number(text []byte, after string) int {
	_, text, _ = bytes.Cut(text, []byte(after))
	digits := len(text) - len(bytes.TrimLeft(text, "0123456789"))
	n, _ := strconv.Atoi(string(text[:digits])) // none is 0
	return n
}
