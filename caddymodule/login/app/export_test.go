package app

// Waiting is how many sign-ins wait for the app now.
func (l *Login) Waiting() int { return l.calls.Waiting() }
