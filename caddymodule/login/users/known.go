package users

import (
	"fmt"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
)

// Known returns what the file says of the person of that sign-in name, for whom
// somebody else has found out that it is theirs. The error is login.ErrUnknown, or
// login.ErrRefused for who is disabled.
func (m *Method) Known(name string) (*profile.Person, error) {
	name, err := login.ReadName(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", login.ErrUnknown, err)
	}
	entry, known := m.source.People().ByName(name)
	switch {
	case !known:
		return nil, fmt.Errorf("%w: nobody in the users file has the name that they have elsewhere", login.ErrUnknown)
	case entry.Disabled:
		return nil, errDisabled
	}
	return entry.Person(), nil
}
