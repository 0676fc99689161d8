package sessionstore_test

import (
	"errors"
	"fmt"
	"testing"

	"example.com/sidegate/sessionstore"
)

func TestUnreadable(t *testing.T) {
	one, two := sessionstore.NewSecret(1).Key(), sessionstore.NewSecret(1).Key()
	var e sessionstore.UnreadableError
	if err := e.OrNil(); err != nil {
		t.Errorf("when all could be read the error is %v", err)
	}
	e.Add(one, sessionstore.ErrCorrupt)
	e.Add(two, fmt.Errorf("opening: %w", sessionstore.ErrUnknownKey))
	e.Add(two, sessionstore.ErrCorrupt)
	err := fmt.Errorf("listing: %w", e.OrNil())
	for _, cause := range []error{sessionstore.ErrCorrupt, sessionstore.ErrUnknownKey} {
		if !errors.Is(err, cause) {
			t.Errorf("%v hides that it was %v", err, cause)
		}
	}
	if len(e.Causes) != 2 {
		t.Errorf("causes are told %d times; want each once", len(e.Causes))
	}
	if keys, ok := sessionstore.Unreadable(err); !ok || len(keys) != 3 {
		t.Errorf("%d keys are named, %v; want 3", len(keys), ok)
	}
	for _, other := range []error{nil, sessionstore.ErrCorrupt} {
		if _, ok := sessionstore.Unreadable(other); ok {
			t.Errorf("%v is taken for a list with gaps", other)
		}
	}
}
