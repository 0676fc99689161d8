package directive

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Errf makes an error that begins with the file and line where d is.
func Errf(d *caddyfile.Dispenser, format string, args ...any) error {
	return Here(d).Wrap(fmt.Errorf(format, args...))
}

// Err is Errf without a format.
func Err(d *caddyfile.Dispenser, message string) error { return Wrap(d, errors.New(message)) }

// Wrap puts file and line before an error; nil stays nil.
func Wrap(d *caddyfile.Dispenser, err error) error { return Here(d).Wrap(err) }

// ArgErr is for a wrong number of arguments. It repeats none of them, for what
// stands there may be a part of a secret.
func ArgErr(d *caddyfile.Dispenser) error {
	name, values := line(d)
	text := "wrong argument count or unexpected line ending after '" + name + "': "
	switch {
	case values > 0:
		return Err(d, text+"there are more values than it takes; one that has blanks goes into quotes")
	case beforeBlock(d):
		return Err(d, text+"it has no value before its brace: write one between them, or leave the brace out where it takes no block"+blockElsewhere(name))
	}
	return Err(d, text+"it has no value: write one behind it, on the same line; "+
		"a variable of the environment that is unset or empty, in {$NAME}, leaves none")
}

// line is the word that begins the line which the dispenser is at, and how many
// values there are up to there.
func line(d *caddyfile.Dispenser) (begin string, values int) {
	number, file := d.Line(), d.File()
	begin = d.Val()
	for d.Prev() && d.Line() == number && d.File() == file {
		begin = d.Val()
		values++
	}
	for range values + 1 {
		d.Next()
	}
	return begin, values
}

// beforeBlock reports whether a block opens behind the word that the dispenser is at.
func beforeBlock(d *caddyfile.Dispenser) bool {
	number := d.Line()
	if !d.Next() {
		return false
	}
	opens := d.Val() == "{" && d.Line() == number
	d.Prev()
	return opens
}

// Position is a place in a Caddyfile.
type Position struct {
	line  string // Caddyfile:12
	chain string // by which imports it came there, as Caddy says it
}

// Here is where d is. Where an imported snippet is read, the imports that led
// there are a part of it.
func Here(d *caddyfile.Dispenser) Position {
	// What imported a token is known to Caddy's own errors alone.
	_, chain, _ := strings.Cut(d.WrapErr(errors.New("")).Error(), " import chain ")
	return Position{fmt.Sprintf("%s:%d", d.File(), d.Line()), chain}
}

// Wrap puts the position before an error; nil stays nil, and an error that has
// one keeps its own. The zero position, of what is configured otherwise than by
// a Caddyfile, adds nothing.
func (p Position) Wrap(err error) error {
	var placed *placedError
	if err == nil || p == (Position{}) || errors.As(err, &placed) {
		return err
	}
	return &placedError{p, err}
}

// placedError is an error with a position.
type placedError struct {
	at  Position
	err error
}

// Error begins as compilers' errors do, so that editors find the line.
func (e *placedError) Error() string {
	if e.at.chain != "" {
		return fmt.Sprintf("%s: %v (imported: %s)", e.at.line, e.err, e.at.chain)
	}
	return e.at.line + ": " + e.err.Error()
}

// Unwrap returns the error without its position.
func (e *placedError) Unwrap() error { return e.err }
