package profile_test

import (
	"errors"
	"fmt"
	"testing"

	"example.com/sidegate/caddymodule/profile"
)

// The log names who was refused; the error's own words hold no name.
func TestWhomAnErrorIsAbout(t *testing.T) {
	refused := &profile.Refused{Why: "email_domains"}
	for _, c := range []struct {
		name string
		err  error
		whom string
	}{
		{"nobody", refused, ""},
		{"somebody by their address", profile.Concerning(refused, "ada@example.com", "ada"), "ada@example.com"},
		{"somebody without one by their name", profile.Concerning(refused, "", "ada"), "ada"},
		{"somebody of whom nothing is known", profile.Concerning(refused, "", ""), ""},
		{"whom it was about first", profile.Concerning(fmt.Errorf("login: %w", profile.Concerning(refused, "ada")), "grace"), "ada"},
	} {
		is, ok := errors.AsType[*profile.Refused](c.err)
		if got := profile.Whom(c.err); got != c.whom || !ok || is != refused || c.err.Error() != "email_domains" && c.err.Error() != "login: email_domains" {
			t.Errorf("%s: it is about %q: %v", c.name, got, c.err)
		}
	}
	if err := profile.Concerning(nil, "ada"); err != nil {
		t.Errorf("what went well is %v", err)
	}
}
