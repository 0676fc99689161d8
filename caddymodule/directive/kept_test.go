package directive_test

import (
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/directive"
)

func TestAPositionIsInTheJSONOnlyWhileItIsKept(t *testing.T) {
	type block struct {
		At directive.Position `json:"at,omitzero"`
	}
	d := caddyfile.NewTestDispenser("\nword")
	d.Next()
	b := block{directive.Here(d)}
	written := func() string {
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := written(); got != "{}" {
		t.Errorf("it is %s", got)
	}
	done := directive.KeepPositions()
	kept := written()
	var read block
	if err := json.Unmarshal([]byte(kept), &read); err != nil || read.At.String() != b.At.String() || read.At.String() == "" {
		t.Errorf("%s is read as %q: %v", kept, read.At, err)
	}
	done()
	if err := json.Unmarshal([]byte(kept), &read); err == nil {
		t.Error("a configuration may have a position")
	}
	if got := written(); got != "{}" {
		t.Errorf("then it is %s", got)
	}
}
