package redis

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"example.com/sidegate/sessionstore"
)

// failed says what was being done when err came up, and what to do about it.
// The definite answers of a store pass as they are; all others stay "cannot
// tell". No key is ever part of the text.
func (st *Store) failed(doing string, err error) error {
	if err == nil || errors.Is(err, sessionstore.ErrNotFound) || errors.Is(err, sessionstore.ErrConflict) || errors.Is(err, sessionstore.ErrTooMany) {
		return err
	}
	err = shown(err)
	text := err.Error()
	if strings.Contains(text, "WRONGTYPE") {
		return fmt.Errorf("%s: %w", doing, sessionstore.ErrCorrupt)
	}
	step := st.nextStep(err)
	// Redis repeats the arguments of a command that it does not know, and the
	// first of them is the key.
	if command, _, cut := strings.Cut(text, ", with args beginning with"); cut {
		return fmt.Errorf("%s: %s: %s", doing, command, cmp.Or(step, unknownStep))
	}
	return &advised{doing, err, step}
}

// advised is an error with what an operator does about it, if that is known.
type advised struct {
	doing string
	err   error
	step  string
}

// Error implements error. What Redis says may end with a stop of its own.
func (a *advised) Error() string {
	if a.step == "" {
		return a.doing + ": " + a.err.Error()
	}
	return a.what() + ": " + a.step
}

func (a *advised) what() string { return a.doing + ": " + strings.TrimRight(a.err.Error(), ". ") }

// Refused implements sessionstore.Refusal: whatever Redis has answered.
func (a *advised) Refused() (what, remedy string, ok bool) {
	return a.what(), a.step, Answered(a.err) != ""
}

// Unwrap returns what came up.
func (a *advised) Unwrap() error { return a.err }

// answered turns the answer of a script into an error: 'ok' is none.
func answered(status string, head []byte) error {
	switch status {
	case "ok":
		return nil
	case "gone":
		return sessionstore.ErrNotFound
	case "conflict":
		return sessionstore.ErrConflict
	case "unreadable":
		// The head says which; it is too short to pass for a record.
		if err := sessionstore.CheckRecord(head); err != nil {
			return err
		}
	}
	return sessionstore.ErrCorrupt
}
