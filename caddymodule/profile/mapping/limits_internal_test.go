package mapping

import (
	"context"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/common/types"

	"example.com/sidegate/caddymodule/profile"
)

// A good evaluation may take long on a machine that tests much at once.
func init() { maxTime = 2 * time.Minute }

// An expression whose steps are few but long is ended by the time it takes.
func TestAnEvaluationEndsWithItsTime(t *testing.T) {
	v, err := newVocabulary([]string{"token"})
	if err != nil {
		t.Fatal(err)
	}
	x, err := v.compile(source{"map name", "lists.range(9999).map(i, string(i)).join()", ""}, "string", text(10).admits)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := x.evaluateWithin(ctx, x.scope(new(profile.Person), nil)); err != nil {
		t.Fatalf("it does not end well even with time: %v", err)
	}
	cancel()
	if _, err := x.evaluateWithin(ctx, x.scope(new(profile.Person), nil)); err == nil || !strings.Contains(err.Error(), "it takes too long") {
		t.Errorf("got %v", err)
	}
}

// CEL writes where an error was into the error: into those that all
// evaluations share it must not.
func TestSharedErrorsAreOfNoNode(t *testing.T) {
	if _, err := language(); err != nil {
		t.Fatal(err)
	}
	if shared := types.LabelErrNode(7, types.NoSuchOverloadErr()).(*types.Err); shared.NodeID() != noNode {
		t.Errorf("the shared error is of node %d", shared.NodeID())
	}
}

func TestMeant(t *testing.T) {
	for _, c := range []struct{ word, want string }{
		{"rolez", "roles"},
		{"role", "roles"},
		{"permision", "permissions"},
		{"createdat", "created_at"},
		{"x", ""},
		{"", ""},
		{"shoe_size", ""},
		{strings.Repeat("roles", 100), ""},
	} {
		if got := meant(c.word, Fields()); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("for %.20q: %q, want %q", c.word, got, c.want)
		}
	}
}
