package lifecycle

import "sync"

// rolesDue is by how many sign-ins somebody has had a role, where a mapping gives
// any: at a login none of whose people has, it looks for them in the wrong place.
const rolesDue = 100

// roleless counts the first sign-ins of logins whose people are to have roles.
type roleless struct {
	mu   sync.Mutex
	left map[string]int // by login; one that is not there is done with
}

func newRoleless(logins []string) *roleless {
	r := &roleless{left: make(map[string]int)}
	for _, name := range logins {
		r.left[name] = rolesDue
	}
	return r
}

// began reports whether this was the last of so many sign-ins without a role.
func (r *roleless) began(login string, hasRole bool) (none bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	left, counts := r.left[login]
	switch {
	case !counts:
		return false
	case hasRole, left == 1:
		delete(r.left, login)
		return !hasRole
	}
	r.left[login] = left - 1
	return false
}
