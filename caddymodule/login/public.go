package login

import "fmt"

// ErrPublic is ErrRefused for the right password of a hash that everybody can
// read, such as those of the demo: from elsewhere than this machine it says
// nothing of who types it.
var ErrPublic = fmt.Errorf("%w: the password is public", ErrRefused)
