package terminal_test

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/terminal"
)

func TestAnyAnswerIsNotThatOfAGateway(t *testing.T) {
	var into struct{ Count int }
	for _, text := range []string{"{}", "[]", "null", "1", "<html>", "", `{"count": null}`, `{"count": "1"}`, `{"counted": 1}`} {
		err := terminal.Read("localhost:1", []byte(text), &into, "count")
		if err == nil || !strings.Contains(err.Error(), "what answers at localhost:1 is no gateway") || !strings.Contains(err.Error(), "--address") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := terminal.Read("localhost:1", []byte(`{"count": 3, "later": []}`), &into, "count"); err != nil || into.Count != 3 {
		t.Errorf("%d, %v", into.Count, err)
	}
}

func TestASiteIsToldFromAnEndpoint(t *testing.T) {
	for said, site := range map[string]bool{"unauthorized": true, "not_found": true, "host not allowed: x": false, "there is no session x": false} {
		if terminal.FromSite(404, said) != site {
			t.Error(said)
		}
	}
	if !terminal.FromSite(401, "who are you?") {
		t.Error("an endpoint asks nobody who they are")
	}
}
