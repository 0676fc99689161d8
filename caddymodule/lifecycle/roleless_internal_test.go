package lifecycle

import "testing"

func TestALoginWhosePeopleHaveNoRoleIsToldOnce(t *testing.T) {
	for name, c := range map[string]struct {
		login string
		roles int // the sign-in with a role; 0: none
		told  int // the sign-in after which it is told; 0: never
	}{
		"when none of a hundred had one":      {"sso", 0, rolesDue},
		"and not when the first had":          {"sso", 1, 0},
		"nor when the hundredth had":          {"sso", rolesDue, 0},
		"all the same when a later one had":   {"sso", rolesDue + 1, rolesDue},
		"and not where nobody is to have one": {"users", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoleless([]string{"sso"})
			for n := 1; n <= 3*rolesDue; n++ {
				if told := r.began(c.login, n == c.roles); told != (n == c.told) {
					t.Fatalf("sign-in %d: told %v", n, told)
				}
			}
		})
	}
}
