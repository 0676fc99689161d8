package directive

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
)

// kept says that positions are a part of what is adapted from a Caddyfile.
var kept atomic.Bool

// KeepPositions has the JSON that Caddyfiles are adapted to say where each of our
// blocks stands, and taken with that, until done is called. It is for explaining a
// configuration that nothing runs by: without it the JSON has no positions, and one
// that has is refused.
func KeepPositions() (done func()) {
	kept.Store(true)
	return func() { kept.Store(false) }
}

// IsZero reports whether the JSON leaves the position out.
func (p Position) IsZero() bool { return p == (Position{}) || !kept.Load() }

// String is the position as errors begin with it, and the imports by which it came
// there; empty for what is configured otherwise than by a Caddyfile.
func (p Position) String() string {
	if p.chain == "" {
		return p.line
	}
	return p.line + ", imported at " + strings.ReplaceAll(strings.Trim(p.chain, "[']"), "','", ", ")
}

// MarshalJSON writes the position as a text.
func (p Position) MarshalJSON() ([]byte, error) { return json.Marshal(p.String()) }

// UnmarshalJSON reads what MarshalJSON wrote, while positions are kept.
func (p *Position) UnmarshalJSON(text []byte) error {
	if !kept.Load() {
		return errors.New("a configuration has no positions: leave `at` out")
	}
	*p = Position{}
	return json.Unmarshal(text, &p.line)
}
