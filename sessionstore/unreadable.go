package sessionstore

import (
	"errors"
	"fmt"
	"slices"
)

// UnreadableError says which of a person's sessions Store.List could not read.
// They go on, as far as anybody can tell, and can be ended like others: to end
// a session nothing need be opened.
type UnreadableError struct {
	// Keys name them, in no order.
	Keys []Key
	// Causes are why, each once: ErrCorrupt, ErrFormat, ErrUnknownKey.
	Causes []error
}

// Add notes a session that could not be read, and why.
func (e *UnreadableError) Add(key Key, cause error) {
	e.Keys = append(e.Keys, key)
	if !slices.ContainsFunc(e.Causes, func(known error) bool { return errors.Is(cause, known) }) {
		e.Causes = append(e.Causes, cause)
	}
}

// OrNil is the error, or nil when every session could be read.
func (e *UnreadableError) OrNil() error {
	if len(e.Keys) == 0 {
		return nil
	}
	return e
}

// Error implements error.
func (e *UnreadableError) Error() string {
	return fmt.Sprintf("sessions that cannot be read: %d: %v", len(e.Keys), errors.Join(e.Causes...))
}

// Unwrap returns why.
func (e *UnreadableError) Unwrap() []error { return e.Causes }

// Unreadable returns the sessions that List could not read, when it could read
// the person's others; false for any other error, and for none.
func Unreadable(err error) ([]Key, bool) {
	e, ok := errors.AsType[*UnreadableError](err)
	if !ok {
		return nil, false
	}
	return e.Keys, true
}
