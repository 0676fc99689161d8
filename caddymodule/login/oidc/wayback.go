package oidc

import "fmt"

// MaxReturnTo bounds, in bytes, where a person may want to return to.
const MaxReturnTo = 3 << 10

// SealWayBack returns a cookie value with the attempt's ReturnTo alone, for one
// that does not fit into the attempt's own cookie: of such ones a browser can
// have a few only, and an attempt without it still signs its person in.
func (a *AttemptSealer) SealWayBack(attempt Attempt) string {
	plain := []byte{tight}
	if attempt.Cut {
		plain[0] = tightCut
	}
	return a.sealText(append(plain, Squeeze(attempt.ReturnTo)...), boundWayBack(attempt))
}

// WithWayBack returns the attempt with the ReturnTo of that value; false when it
// is that of another attempt, or of nobody's.
func (a *AttemptSealer) WithWayBack(attempt Attempt, value string) (Attempt, bool) {
	plain, ok := a.openText(value, boundWayBack(attempt))
	if !ok || len(plain) == 0 || plain[0] != tight && plain[0] != tightCut {
		return attempt, false
	}
	returnTo, ok := Unsqueeze(plain[1:], MaxReturnTo)
	if ok {
		attempt.ReturnTo, attempt.Cut = returnTo, plain[0] == tightCut
	}
	return attempt, ok
}

func boundWayBack(attempt Attempt) []byte {
	return fmt.Appendf(nil, "sidegate oidc way back %q %q", attempt.Login, attempt.State)
}
