package identity_test

import (
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/identity"
)

func TestHeadersTellOfSomeRolesAlone(t *testing.T) {
	for name, c := range map[string]struct {
		patterns, roles []string
		want            string
	}{
		"of all, without a pattern":         {nil, []string{"a", "b"}, "a,b"},
		"of one by its name":                {[]string{"b"}, []string{"a", "b", "bb"}, "b"},
		"of those that begin so":            {[]string{"app-*"}, []string{"app-admin", "other", "app-"}, "app-admin,app-"},
		"of those of any pattern, in order": {[]string{"z", "a*"}, []string{"a1", "z", "b"}, "a1,z"},
		"of none":                           {[]string{"x"}, []string{"a"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := identity.NewSet()
			if err == nil {
				set, err = set.WithRoles(c.patterns)
			}
			if err == nil {
				set, err = set.WithUser(identity.UserID) // which keeps them
			}
			if err != nil {
				t.Fatal(err)
			}
			h := make(http.Header)
			set.Render(identity.Values{UserID: "7", Roles: c.roles}).Inject(h)
			if got := h.Get("X-Session-Roles"); got != c.want {
				t.Errorf("%q; want %q", got, c.want)
			}
		})
	}
}

// Whoever has 300 roles and an app that knows three of them has those three.
func TestChosenRolesLeaveNothingOut(t *testing.T) {
	many := append(names("directory-group-of-some-length-", 300), "app-admin")
	all, _ := identity.NewSet()
	if out := all.Render(identity.Values{UserID: "7", Roles: many}).LeftOut(); out != "Roles" {
		t.Fatalf("left out: %q", out)
	}
	some, _ := all.WithRoles([]string{"app-*"})
	r := some.Render(identity.Values{UserID: "7", Roles: many})
	h := make(http.Header)
	if r.Inject(h); r.LeftOut() != "" || h.Get("X-Session-Roles") != "app-admin" {
		t.Errorf("left out: %q; roles %q", r.LeftOut(), h.Get("X-Session-Roles"))
	}
}

func TestPatternsThatAreNoneAreRefused(t *testing.T) {
	for _, pattern := range []string{"", "*", "a*b", "*a", "a**"} {
		if err := identity.CheckRoles([]string{pattern}); err == nil {
			t.Errorf("%q was taken", pattern)
		}
	}
}
